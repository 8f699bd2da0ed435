-- The issuer's steps. ID is the event's: a record of an earlier event of the same name meets nothing.

-- The step that granted a ticket.
local function granted_us_of(keys, ticket)
	return redis.call('ZRANGEBYSCORE', key(keys, 'grants'), ticket, '+inf', 'LIMIT', 0, 1)[1]
end

-- What is known of these people before any of them is assigned: a value each, in order, false where there is none.
local function look_up(keys, people)
	return {
		joined = redis.call('ZMSCORE', keys[2], unpack(people)),
		left = redis.call('HMGET', key(keys, 'left'), unpack(people)),
		issued = redis.call('HMGET', key(keys, 'issued'), unpack(people)),
		pending = redis.call('HMGET', key(keys, 'pending'), unpack(people)),
	}
end

-- Why this person's ticket gets no code for a record that is sent for it: STATUS and, for 'foreign', why.
local function unfit(event, rank, ticket, left)
	if not rank then
		return 'foreign', 'this person is not in line'
	elseif rank + 1 ~= tonumber(ticket) then
		return 'foreign', 'this ticket is another person\'s'
	elseif left then
		return 'refused', ''
	elseif rank + 1 > event.cursor then
		return 'foreign', 'this ticket was not granted'
	end
end

-- A parked ticket is assigned again: a pipe's dispatch looks at it again.
local function take_up(keys, event, rank)
	event.settled = math.min(event.settled, rank)
	redis.call('HINCRBY', keys[1], 'parked', -1)
	redis.call('HSET', keys[1], 'settled', digits(event.settled))
end

-- What is on its way out of a pipe stays so, whoever has it now: its code may be out.
local function owner_of(run, partition, state, owner)
	return state == 'assigned' and partition == '-' and owner == '' and '' or run
end

-- Does another partition hold the record by which this ticket is assigned? That one settles it.
local function is_elsewhere(state, at, partition)
	return state == 'assigned' and at ~= '-' and partition ~= '-' and at ~= partition
end

-- GRANTED_US ISSUED_US CODE for who has none; without CODE where the pool is dry. A step has granted many tickets:
-- it is asked for again where the one before is not this ticket's.
local function fresh(keys, event, ticket, offered)
	local step, code = event.step, offered
	if ticket < step.first or ticket > step.last then
		local found = redis.call('ZRANGEBYSCORE', key(keys, 'grants'), ticket, '+inf', 'WITHSCORES',
			'LIMIT', 0, 1)
		step.first, step.last, step.granted_us = ticket, tonumber(found[2]), found[1]
	end
	if event.codes == 'pool' then
		code = redis.call('LPOP', key(keys, 'codes'))
	end
	return step.granted_us, event.now_us, code
end

-- STATUS CODE GRANTED_US ISSUED_US and the value for `pending`; for 'foreign' CODE says why. Only what is
-- 'assigned' stands where this record does: that it is settled settles the ticket. KNOWN of PERSON is at N.
local function assign_one(keys, event, run, known, n, person, ticket, offered, replays, partition, offset)
	local rank = redis.call('ZRANK', keys[2], person)
	local status, why = unfit(event, rank, ticket, known.left[n])
	if status then
		return status, why, 0, 0
	end
	if known.issued[n] then
		local granted_us, issued_us, code = read_issued(known.issued[n])
		return 'already', code, granted_us, issued_us
	end
	local state, at, from, rest, owner = read_pending(known.pending[n] or '')
	if is_elsewhere(state, at, partition) then
		return 'elsewhere', '', tonumber(at), tonumber(from)
	end
	local granted_us, issued_us, code
	if state then
		granted_us, issued_us, code = read_issued(rest)
	else
		granted_us, issued_us, code = fresh(keys, event, rank + 1, offered)
		if not code then
			return 'dry', '', 0, 0
		end
		rest = issued_value(granted_us, issued_us, code)
	end
	if state == 'parked' then
		if tonumber(replays) == 0 then
			return 'parked', '', granted_us, issued_us
		end
		take_up(keys, event, rank)
	end
	return 'assigned', code, granted_us, issued_us,
		pending_value('assigned', owner_of(run, partition, state, owner), partition, offset, rest)
end

-- allot for the winners at FIRST..LAST of the arguments, which fit into one inner command.
local function allot_slice(keys, event, args, first, last, seen, reply)
	local people, assigned = {}, {}
	for i = first, last, 6 do
		people[#people + 1] = args[i]
	end
	local known = look_up(keys, people)
	for n, person in ipairs(people) do
		local i = first + 6 * (n - 1)
		local status, code, granted_us, issued_us, value = 'already', '', 0, 0, nil
		if event.id ~= args[1] then
			status, code = 'foreign', 'this event has another id'
		elseif seen[person] ~= args[i + 1] then
			status, code, granted_us, issued_us, value = assign_one(keys, event, args[2], known, n,
				unpack(args, i, i + 5))
		end
		if value then
			seen[person] = args[i + 1]
			assigned[#assigned + 1], assigned[#assigned + 2] = person, value
		end
		local at = #reply
		reply[at + 1], reply[at + 2] = status, code
		reply[at + 3] = status ~= 'foreign' and known.joined[n] or 0
		reply[at + 4], reply[at + 5] = granted_us, issued_us
	end
	if #assigned > 0 then
		redis.call('HSET', key(keys, 'pending'), unpack(assigned))
	end
end

-- allot ID RUN, then PERSON TICKET CODE REPLAYS PARTITION OFFSET a winner
--   -> STATUS CODE JOINED_US GRANTED_US ISSUED_US a winner, in order.
-- RUN: the one that delivers the codes before they go out, and asks confirm in between; '': they go out.
-- STATUS: assigned (CODE is theirs: the one offered, or the one they have had), already (issued,
-- or assigned in this call), refused (left meanwhile), parked (given up before, and REPLAYS is 0: it
-- was not sent again), elsewhere (assigned by a record in another partition: GRANTED_US is that
-- partition, ISSUED_US the offset there), dry (no supplied code is left: the one offered is for events that have none),
-- foreign (CODE says why).
-- issued_us is fixed with the code.
local function allot(keys, args)
	local event = read(keys, { 'cursor', 'codes', 'settled' })
	if not event then
		return no_event()
	end
	event.now_us, event.step = digits(now_us()), { first = 1, last = 0 }
	local reply, seen = {}, {}
	for first = 3, #args, 6 * SLICE do
		allot_slice(keys, event, args, first, math.min(first + 6 * SLICE - 1, #args), seen, reply)
	end
	return reply
end

-- lift ID PERSON PARTITION OFFSET -> 1, or 0 where it is not assigned by that record
-- The record is gone, with its topic or its retention: any other may assign the ticket from now on.
local function lift(keys, args)
	local event = read(keys, {})
	if not event then
		return no_event()
	end
	local state, partition, offset, rest, run = pending_of(keys, args[2])
	if event.id ~= args[1] or state ~= 'assigned' or partition ~= args[3] or offset ~= args[4] then
		return 0
	end
	redis.call('HSET', key(keys, 'pending'), args[2], pending_value(state, run, '-', '-', rest))
	return 1
end

-- Moves them from pending to issued; values are those of `pending`, false where there is none.
local function finish(keys, people, values)
	local issued, gone, count, parked = {}, {}, 0, 0
	for i, person in ipairs(people) do
		if values[i] then
			local rest = string.match(values[i], '^assigned%S* %S+ %S+ (.*)$')
			if not rest then
				parked, rest = parked + 1, select(4, read_pending(values[i]))
			end
			count = count + 1
			issued[2 * count - 1], issued[2 * count], gone[count] = person, rest, person
		end
	end
	if count == 0 then
		return 0
	end
	redis.call('HSET', key(keys, 'issued'), unpack(issued))
	redis.call('HINCRBY', keys[1], 'issued', count)
	if parked > 0 then
		redis.call('HINCRBY', keys[1], 'parked', -parked)
	end
	return redis.call('HDEL', key(keys, 'pending'), unpack(gone))
end

-- done ID PERSON... -> how many went from pending to issued
local function done(keys, args)
	local event = read(keys, {})
	if not event then
		return no_event()
	elseif event.id ~= args[1] then
		return 0
	end
	local moved = 0
	for first = 2, #args, SLICE do
		local people = { unpack(args, first, math.min(first + SLICE - 1, #args)) }
		moved = moved + finish(keys, people,
			redis.call('HMGET', key(keys, 'pending'), unpack(people)))
	end
	return moved
end

-- stranded SCAN, then PARTITION OFFSET of each partition -> SCAN ID, then PERSON PARTITION OFFSET ISSUED_US
--   of the assigned ones whose records stood below: their offsets are committed, so they are out, as
--   issued or as dead letters. A part at a time: from SCAN 0 on until it is 0 again.
local function stranded(keys, args)
	local event = read(keys, {})
	if not event then
		return no_event()
	end
	local offsets = {}
	for i = 2, #args, 2 do
		offsets[args[i]] = tonumber(args[i + 1])
	end
	local scan = redis.call('HSCAN', key(keys, 'pending'), args[1], 'COUNT', SLICE)
	local reply = { tonumber(scan[1]), event.id }
	for i = 1, #scan[2], 2 do
		local state, partition, offset, rest = read_pending(scan[2][i + 1])
		if state == 'assigned' and offsets[partition]
			and tonumber(offset) < offsets[partition] then
			local n = #reply
			local _, issued_us = read_issued(rest)
			reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = scan[2][i],
				tonumber(partition), tonumber(offset), issued_us
		end
	end
	return reply
end

-- adopt ID PERSON GRANTED_US ISSUED_US CODE -> 1, or 0 where nothing is assigned
-- The ledger wins over Redis: code and times are those it has for this ticket.
local function adopt(keys, args)
	local event = read(keys, { 'codes' })
	if not event then
		return no_event()
	end
	local state, partition, offset, rest, run = pending_of(keys, args[2])
	if event.id ~= args[1] or state ~= 'assigned' then
		return 0
	end
	local _, _, code = read_issued(rest)
	redis.call('HSET', key(keys, 'pending'), args[2], pending_value('assigned', run, partition, offset,
		issued_value(args[3], args[4], args[5])))
	if event.codes == 'pool' and code ~= args[5] then
		follow_ledger(keys, args[5], code)
	end
	return 1
end

-- annul ID PERSON GRANTED_US ISSUED_US CODE WHO -> 1, or 0 where nothing is assigned
-- The ledger has this ticket as returned, what Redis forgot: it is issued, as adopt says, and revoked at
-- once. The slot goes to the next in line.
local function annul(keys, args)
	local person = args[2]
	if redis.call('HGET', keys[1], 'id') == args[1]
		and redis.call('HEXISTS', key(keys, 'left'), person) == 1 then
		return 1
	end
	local adopted = adopt(keys, args)
	if adopted == 1 then
		finish(keys, { person }, redis.call('HMGET', key(keys, 'pending'), person))
		mark(keys, { id = args[1] }, person, ticket_of(keys, person), 'issued', args[6], args[5])
	end
	return adopted
end

-- replace ID PERSON TAKEN FRESH live|returned -> STATUS CODE LEFT
-- The ledger has the code TAKEN with another ticket. STATUS: assigned (CODE is FRESH, TAKEN is burnt; of
-- a pool CODE is the next, TAKEN goes to its end for the ticket that has it, or is burnt where that was
-- returned, and LEFT are in it; -1: no pool), dry (the pool has no other: nothing is changed), gone
-- (nothing is assigned).
local function replace(keys, args)
	local event = read(keys, { 'codes' })
	if not event then
		return no_event()
	end
	local state, partition, offset, rest, run = pending_of(keys, args[2])
	if event.id ~= args[1] or state ~= 'assigned' then
		return { 'gone', '', 0 }
	end
	local granted_us, issued_us, code = read_issued(rest)
	local pool = event.codes == 'pool'
	if code == args[3] then -- else the answer was lost
		code = args[4]
		if pool then
			code = redis.call('LPOP', key(keys, 'codes'))
		end
		if not code then
			return { 'dry', '', 0 }
		end
		if not pool or args[5] == 'returned' then
			redis.call('HINCRBY', keys[1], 'burnt', 1)
		else
			put_back(keys, 'RPUSH', args[3])
		end
		redis.call('HSET', key(keys, 'pending'), args[2], pending_value('assigned', run, partition, offset,
			issued_value(digits(granted_us), digits(issued_us), code)))
	end
	return { 'assigned', code, pool and redis.call('LLEN', key(keys, 'codes')) or -1 }
end

register('allot', allot)
register('lift', lift)
register('done', done)
register('stranded', stranded, { 'no-writes' })
register('adopt', adopt)
register('annul', annul)
register('replace', replace)
