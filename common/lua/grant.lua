-- The dispatcher's steps. The lease says who may decide now, the epoch tells its former holders
-- apart: each taking is a new epoch, so a holder that slept through another's taking is stale (P9).
-- A lease that ran out and was taken by nobody revives: the epoch proves nothing came between.

-- lease OWNER TTL_MS BUS -> {'held', epoch, id, settled} | {'busy', holder, ms left} | {'bus', bus}
-- An owner that finds its own name is its own successor (its lock proves the former one dead).
local function lease(keys, args)
	local event = read(keys, { 'bus', 'settled' })
	if not event then
		return no_event()
	end
	if event.bus ~= '' and event.bus ~= args[3] then
		return { 'bus', event.bus }
	end
	local holder = redis.call('GET', key(keys, 'lease'))
	if holder and holder ~= args[1] then
		return { 'busy', holder, math.max(0, redis.call('PTTL', key(keys, 'lease'))) }
	end
	redis.call('SET', key(keys, 'lease'), args[1], 'PX', args[2])
	redis.call('HSET', keys[1], 'bus', args[3])
	return { 'held', redis.call('HINCRBY', keys[1], 'epoch', 1), event.id, event.settled }
end

local function held(keys, event, owner, epoch)
	local holder = redis.call('GET', key(keys, 'lease'))
	return event.epoch == tonumber(epoch) and (not holder or holder == owner)
end

-- renew OWNER EPOCH TTL_MS -> 1 held, 0 stale
local function renew(keys, args)
	local event = read(keys, { 'epoch' })
	if not event then
		return no_event()
	elseif not held(keys, event, args[1], args[2]) then
		return 0
	end
	redis.call('SET', key(keys, 'lease'), args[1], 'PX', args[3])
	return 1
end

-- release OWNER EPOCH -> 1 released, 0 it was not held
local function release(keys, args)
	local event = read(keys, { 'epoch' })
	if not event or not held(keys, event, args[1], args[2]) then
		return 0
	end
	return redis.call('DEL', key(keys, 'lease'))
end

-- How many are in line who were not granted a slot, and have not left.
local function waiting(event, size)
	return size - event.granted - event.left
end

-- Nothing left to do, ever, unless stock is raised or a slot comes back: what is parked waits for an
-- operator. Whom only the want of codes keeps waiting is something left to do.
local function over(keys, event, now, size)
	local live = event.granted - event.returned
	local settled = redis.call('HLEN', key(keys, 'issued')) + event.parked == live
	return settled and (live >= event.stock
		or (door(event, now) == 'closed' and waiting(event, size) == 0))
end

local SERVED = 5 -- values of serve's answer before its runs

-- Adds a granted ticket to the runs behind a reply's first values: FIRST LAST GRANTED_US each.
local function add_granted(reply, ticket, granted_us)
	local n = #reply
	if n > SERVED and reply[n - 1] == ticket - 1 and reply[n] == granted_us then
		reply[n - 1] = ticket
	else
		reply[n + 1], reply[n + 2], reply[n + 3] = ticket, ticket, granted_us
	end
end

-- What is granted beyond ticket `after`: all of it where `after` is a log's progress, else what still
-- wants a code. Where that scan starts at the settled mark, the mark moves up to the first ticket
-- that is not settled.
local function regrant(keys, event, after, count, reply)
	local last = math.min(after + count, event.cursor)
	local settled = last
	each_granted(keys, after + 1, last, function(ticket, _, _, granted_us, ...)
		local state = award_of(...)
		local wanting = state == 'granted' or state == 'assigned'
		if wanting then
			settled = math.min(settled, ticket - 1)
		end
		if wanting or (state and event.bus == 'kafka') then
			add_granted(reply, ticket, granted_us)
		end
	end)
	if after == event.settled and settled > after then
		redis.call('HSET', keys[1], 'settled', digits(settled))
	end
	return last
end

-- The marks of who has left, of tickets first..last in order; empty where nobody has.
local function marks_among(keys, event, first, last)
	if event.left == 0 or first > last then
		return {}
	end
	return redis.call('HMGET', key(keys, 'left'),
		unpack(redis.call('ZRANGE', keys[2], first - 1, last - 1)))
end

-- The next to win: from the cursor on, in ticket order, skipping who left, while a slot is free.
local function grant_fresh(keys, event, now, count, size, reply)
	local free = math.min(count, slots(event) - (event.granted - event.returned))
	local first, fresh, cursor = event.cursor + 1, 0, event.cursor
	local last = free > 0 and math.min(event.cursor + count, size) or 0
	local granted_us = math.max(now,
		(redis.call('ZRANGE', key(keys, 'grants'), -1, -1)[1] or 0) + 1)
	local marks = marks_among(keys, event, first, last)
	while cursor < last and fresh < free do
		cursor = cursor + 1
		if not marks[cursor - first + 1] then
			fresh = fresh + 1
			add_granted(reply, cursor, granted_us)
		end
	end
	if fresh > 0 then
		redis.call('ZADD', key(keys, 'grants'), reply[#reply - 1], digits(granted_us))
	end
	redis.call('HSET', keys[1], 'cursor', digits(cursor), 'granted',
		digits(event.granted + fresh), 'pass_us', digits(now))
	event.granted, event.cursor = event.granted + fresh, cursor
	return fresh
end

-- serve OWNER EPOCH TTL_MS AFTER COUNT LIMIT -> VERDICT UPTO FRESH TICKETS SEQ, then FIRST LAST GRANTED_US a
--   run of granted tickets: of up to COUNT tickets beyond AFTER: first those granted before (in a pipe: and not
--   issued), then, AFTER having reached the cursor, at most LIMIT new ones. UPTO is the AFTER to ask with
--   next, so an answer that was lost is had again. FRESH says how many were granted by this very step,
--   TICKETS and SEQ how many people are in line and decisions taken: whose tickets they are is in the line.
-- VERDICT: more (ask on), idle (nobody waits, or no slot is free), dry (a slot is free, and no code is
-- left for it), paused, early, ended, stale, lost (AFTER was granted once, and Redis knows it no more).
local function serve(keys, args)
	local event = read(keys, {
		'state', 'opens_us', 'closes_us', 'stock', 'cursor', 'granted', 'returned', 'epoch',
		'settled', 'left', 'bus', 'parked', 'codes', 'codes_loaded', 'burnt', 'seq',
	})
	if not event then
		return no_event()
	elseif not held(keys, event, args[1], args[2]) then
		return { 'stale', 0, 0, 0, 0 }
	end
	redis.call('SET', key(keys, 'lease'), args[1], 'PX', args[3])
	local after, count = tonumber(args[4]), math.min(tonumber(args[5]), SLICE)
	local size, now = redis.call('ZCARD', keys[2]), now_us()
	local reply = { 'more', 0, 0, size, event.seq }
	if after > event.cursor then
		return { 'lost', after, 0, size, event.seq }
	elseif after < event.cursor then
		reply[2] = regrant(keys, event, after, count, reply)
		return reply
	end
	local shut = door(event, now)
	local open = shut ~= 'paused' and shut ~= 'early'
	reply[3] = grant_fresh(keys, event, now, open and math.min(count, tonumber(args[6])) or 0, size,
		reply)
	reply[2] = event.cursor
	if over(keys, event, now, size) then
		reply[1] = 'ended'
	elseif not open then
		reply[1] = shut
	elseif waiting(event, size) == 0 or event.granted - event.returned >= event.stock then
		reply[1] = 'idle'
	elseif event.granted - event.returned >= slots(event) then
		reply[1] = 'dry'
	end
	return reply
end

-- mirror OWNER EPOCH TTL_MS REQUESTS WINNERS SEQ -> {'mirrored' | 'stale' | 'lost', tickets, cursor, seq},
--   or {'behind', ...} with what was published of each by an earlier mirror: the log has lost its progress.
--   of how far the log has this event: kept beside it, and the outbox trimmed to what is beyond.
--   lost: the log is ahead of what Redis has. Asked before anything is granted (P1, P3).
local function mirror(keys, args)
	local event = read(keys, {
		'epoch', 'cursor', 'seq', 'published_requests', 'published_winners', 'published_seq',
	})
	if not event then
		return no_event()
	elseif not held(keys, event, args[1], args[2]) then
		return { 'stale', 0, 0, 0 }
	end
	redis.call('SET', key(keys, 'lease'), args[1], 'PX', args[3])
	local size = redis.call('ZCARD', keys[2])
	local requests, winners, seq = tonumber(args[4]), tonumber(args[5]), tonumber(args[6])
	if requests > size or winners > event.cursor or seq > event.seq then
		return { 'lost', size, event.cursor, event.seq }
	elseif requests < event.published_requests or winners < event.published_winners
		or seq < event.published_seq then
		return { 'behind', event.published_requests, event.published_winners,
			event.published_seq }
	end
	redis.call('HSET', keys[1], 'published_requests', args[4], 'published_winners', args[5],
		'published_seq', args[6])
	-- The outbox ends with record number `seq`, and has no gaps.
	if seq == event.seq then
		redis.call('DEL', key(keys, 'outbox'))
	else
		redis.call('LTRIM', key(keys, 'outbox'), digits(seq - event.seq), -1)
	end
	return { 'mirrored', size, event.cursor, event.seq }
end

-- decisions SEQ COUNT -> FIRST, then records of the outbox beyond number SEQ, in order; FIRST is the
-- number of the first of them.
local function decisions(keys, args)
	local event = read(keys, { 'seq' })
	if not event then
		return no_event()
	end
	local trimmed = event.seq - redis.call('LLEN', key(keys, 'outbox'))
	local after = math.max(tonumber(args[1]), trimmed)
	local reply = redis.call('LRANGE', key(keys, 'outbox'), digits(after - trimmed),
		digits(after - trimmed + math.min(tonumber(args[2]), SLICE) - 1))
	table.insert(reply, 1, after + 1)
	return reply
end

register('lease', lease)
register('renew', renew)
register('release', release)
register('serve', serve)
register('mirror', mirror)
register('decisions', decisions, { 'no-writes' })
