-- The archive's steps. An event's data lie in sections, each read and put back a page at a time:
--
--   event, passing  NAME VALUE          fields of the event's hash; passing ones go on by themselves
--   line            USER JOINED_US GRANTED_US LEFT ISSUED PENDING     in ticket order; '', 0: none
--   loaded          CODE MARK, in no order
--   outbox, codes, runs                 a value each
--
-- What is put back is staged in keys of its own, restore:NAME, and becomes the event in one step: half
-- an event is nobody's. Staging carries the token of who began last, so two at once cannot mix; the event
-- keeps it, and a last step that is asked again knows its own work by it.

-- Dispatchers and people at a closed door move these after the end, which changes nothing.
local PASSING = { already = true, epoch = true, pass_us = true, settled = true }

-- What is remembered of an archive, and of a restore, stays out of it.
local OUTSIDE = { token = true, archived_us = true, archived_digest = true, archived_state = true }

-- The order of names. Lua's own goes by the server's locale, and two servers may have two.
local function by_bytes(a, b)
	local i = 1
	while i <= #a and string.byte(a, i) == string.byte(b, i) do
		i = i + 1
	end
	return (string.byte(a, i) or -1) < (string.byte(b, i) or -1)
end

-- NAME VALUE ... of the event's hash, by name: the passing ones, or the others.
local function fields(keys, passing)
	local all, names, values, reply = redis.call('HGETALL', keys[1]), {}, {}, {}
	for i = 1, #all, 2 do
		local passes = PASSING[all[i]] or string.sub(all[i], 1, 8) == 'refused_'
		if not OUTSIDE[all[i]] and passes == passing then
			names[#names + 1] = all[i]
			values[all[i]] = all[i + 1]
		end
	end
	table.sort(names, by_bytes)
	for _, name in ipairs(names) do
		reply[#reply + 1], reply[#reply + 2] = name, values[name]
	end
	return reply
end

-- How many there are of each, in the order in which an archive's last line counts them.
local function counts(keys)
	local reply = { #fields(keys, false) / 2, #fields(keys, true) / 2 }
	for _, one in ipairs(EVENT_KEYS) do
		if one[2] and one[1] ~= 'event' then
			reply[#reply + 1] = redis.call(one[2], key(keys, one[1]))
		end
	end
	return reply
end

-- Changes with everything that an archive must have.
local function state_of(keys)
	local parts = fields(keys, false)
	local sizes = counts(keys)
	for i = 3, #sizes - 1 do -- the runs are passing, too
		parts[#parts + 1] = digits(sizes[i])
	end
	return redis.sha1hex(table.concat(parts, '\n'))
end

-- Slots that somebody in line can still be granted.
local function winnable(event, size)
	local free = slots(event) - (event.granted - event.returned)
	return math.max(0, math.min(free, waiting(event, size)))
end

-- When it ended; 0: it has not.
local function ended_us(event, now)
	if door(event, now) ~= 'closed' then
		return 0
	elseif event.state ~= 'closed' then
		return event.closes_us
	elseif event.closes_us > 0 and event.closes_us < event.state_us then
		return event.closes_us
	end
	return math.max(1, event.state_us)
end

-- archive_state -> ID STATE NOW_US ENDED_US PARKED UNISSUED WINNABLE REQUESTS WINNERS DECISIONS, then how
--   many there are of each section and key: what is still open, the last three not in Kafka yet.
local function archive_state(keys)
	local event = read_to_tell(keys, {
		'state', 'opens_us', 'closes_us', 'state_us', 'stock', 'cursor', 'granted', 'returned',
		'left', 'parked', 'codes', 'codes_loaded', 'burnt', 'bus', 'seq', 'published_requests',
		'published_winners', 'published_seq',
	})
	if not event then
		return no_event()
	end
	local now, size = now_us(), redis.call('ZCARD', keys[2])
	local issued = redis.call('HLEN', key(keys, 'issued'))
	local through = event.bus == 'kafka' and 1 or 0
	local reply = {
		event.id, state_of(keys), now, ended_us(event, now), event.parked,
		event.granted - event.returned - issued - event.parked, winnable(event, size),
		through * (size - event.published_requests),
		through * (event.cursor - event.published_winners),
		through * (event.seq - event.published_seq),
	}
	for _, count in ipairs(counts(keys)) do
		reply[#reply + 1] = count
	end
	return reply
end

local function list_page(name)
	return function(keys, at)
		local page = redis.call('LRANGE', key(keys, name), at, at + SLICE - 1)
		return #page == SLICE and digits(at + SLICE) or '0', page
	end
end

local function fields_page(passing)
	return function(keys)
		return '0', fields(keys, passing)
	end
end

local PAGES = {
	event = fields_page(false),
	passing = fields_page(true),
	line = function(keys, at)
		local page, n = {}, 0
		each_granted(keys, at + 1, at + SLICE, function(_, person, joined_us, granted_us,
				mark, issued, pending)
			page[n + 1], page[n + 2], page[n + 3] = person, joined_us, granted_us or 0
			page[n + 4], page[n + 5], page[n + 6] = mark or '', issued or '', pending or ''
			n = n + 6
		end)
		return n == 6 * SLICE and digits(at + SLICE) or '0', page
	end,
	outbox = list_page('outbox'),
	codes = list_page('codes'),
	loaded = function(keys, at)
		return unpack(redis.call('HSCAN', key(keys, 'loaded'), at, 'COUNT', SLICE))
	end,
	runs = list_page('runs'),
}

-- archive SECTION POSITION -> NEXT, then the values of a page. From position 0 on until NEXT is 0.
local function archive(keys, args)
	if not read(keys, {}) then
		return no_event()
	end
	local next_at, page = PAGES[args[1]](keys, args[2])
	table.insert(page, 1, next_at)
	return page
end

-- archived STATE DIGEST -> 1: it is remembered that an archive with this digest has all of the event,
--   0: the event is in another state by now
local function archived(keys, args)
	if not read(keys, {}) then
		return no_event()
	elseif state_of(keys) ~= args[1] then
		return 0
	end
	redis.call('HSET', keys[1], 'archived_us', digits(now_us()), 'archived_state', args[1],
		'archived_digest', args[2])
	return 1
end

-- Where an event is put back: keys of its own, with a stem of its own.
local function staged(keys)
	return { key(keys, 'restore:event'), key(keys, 'restore:line') }
end

local function drop(keys)
	for _, one in ipairs(EVENT_KEYS) do
		redis.call('UNLINK', key(keys, one[1]))
	end
end

-- purge FORCE -> purged | absent | unverified | changed (since it was verified)
--   What a restore has left half done goes in any case. FORCE: 1 or 0.
local function purge(keys, args)
	local event = read(keys, { 'archived_state' })
	drop(staged(keys))
	if event and args[1] ~= '1' and event.archived_state ~= state_of(keys) then
		return event.archived_state == 0 and 'unverified' or 'changed'
	end
	drop(keys)
	return event and 'purged' or 'absent'
end

-- restore_start TOKEN REPLACED -> '' | the id of the event that there is, unless it is the one to be
--   replaced. Without a token: only clears away.
local function restore_start(keys, args)
	local event, to = read(keys, {}), staged(keys)
	if event and event.id ~= args[2] then
		return event.id
	end
	drop(to)
	if args[1] ~= '' then
		redis.call('HSET', to[1], 'token', args[1])
	end
	return ''
end

local function put(command, name, values)
	if #values > 0 then
		redis.call(command, name, unpack(values))
	end
end

local function put_people(to, at, values)
	local line, grants, upto = {}, {}, {}
	local marks = { left = {}, issued = {}, pending = {} }
	for i = 1, #values, 6 do
		local person, joined_us, granted_us = unpack(values, i, i + 2)
		line[#line + 1], line[#line + 2] = joined_us, person
		if granted_us ~= '0' then
			upto[granted_us] = digits(at + (i + 5) / 6)
		end
		for n, name in ipairs({ 'left', 'issued', 'pending' }) do
			local list, value = marks[name], values[i + 2 + n]
			if value ~= '' then
				list[#list + 1], list[#list + 2] = person, value
			end
		end
	end
	for granted_us, ticket in pairs(upto) do
		grants[#grants + 1], grants[#grants + 2] = ticket, granted_us
	end
	put('ZADD', to[2], line)
	put('ZADD', key(to, 'grants'), grants)
	for name, list in pairs(marks) do
		put('HSET', key(to, name), list)
	end
end

-- restore TOKEN SECTION POSITION VALUE... -> 1, or 0: somebody else has begun. A page as archive gives it,
--   POSITION the number of entries before it.
local function restore(keys, args)
	local to = staged(keys)
	local section, at, values = args[2], tonumber(args[3]), { unpack(args, 4) }
	if redis.call('HGET', to[1], 'token') ~= args[1] then
		return 0
	elseif section == 'event' or section == 'passing' then
		put('HSET', to[1], values)
	elseif section == 'line' then
		put_people(to, at, values)
	elseif section == 'loaded' then
		put('HSET', key(to, 'loaded'), values)
	elseif redis.call('LLEN', key(to, section)) == at then -- else it was put before
		put('RPUSH', key(to, section), values)
	end
	return 1
end

-- restore_finish TOKEN REPLACED COUNT... -> restored | exists | stale | differs (what is there is not as
--   many). A new epoch: whoever held the lease of the event that was purged, or is replaced, is stale.
local function restore_finish(keys, args)
	local event, to = read(keys, { 'token', 'epoch' }), staged(keys)
	if event and event.token == args[1] then
		return 'restored' -- its answer was lost
	elseif event and event.id ~= args[2] then
		return 'exists'
	elseif redis.call('HGET', to[1], 'token') ~= args[1] then
		return 'stale'
	end
	for i, count in ipairs(counts(to)) do
		if count ~= tonumber(args[i + 2]) then
			drop(to)
			return 'differs'
		end
	end
	local epoch = tonumber(redis.call('HGET', to[1], 'epoch') or 0)
	redis.call('HSET', to[1], 'epoch', digits(math.max(epoch, event and event.epoch or 0) + 1))
	drop(keys)
	for _, one in ipairs(EVENT_KEYS) do
		if redis.call('EXISTS', key(to, one[1])) == 1 then
			redis.call('RENAME', key(to, one[1]), key(keys, one[1]))
		end
	end
	return 'restored'
end

register('archive_state', archive_state, { 'no-writes' })
register('archive', archive, { 'no-writes' })
register('archived', archived)
register('purge', purge, { 'allow-oom' })
register('restore_start', restore_start, { 'allow-oom' }) -- it clears away, too
register('restore', restore)
register('restore_finish', restore_finish)
