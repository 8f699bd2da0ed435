-- The issuer's steps. ID is the event's: a record of an earlier event of the same name meets nothing.

local function pending_value(partition, offset, granted_us, issued_us, code)
	return table.concat({ 'assigned', partition, offset, granted_us, issued_us, code }, ' ')
end

-- The step that granted a ticket.
local function granted_us_of(keys, ticket)
	return redis.call('ZRANGEBYSCORE', key(keys, 'grants'), ticket, '+inf', 'LIMIT', 0, 1)[1]
end

-- STATUS CODE GRANTED_US ISSUED_US; for 'foreign' CODE says why.
local function assign_one(keys, event, now, person, ticket, offered, partition, offset)
	local rank = redis.call('ZRANK', keys[2], person)
	if not rank then
		return 'foreign', 'this person is not in line', 0, 0
	elseif rank + 1 ~= tonumber(ticket) then
		return 'foreign', 'this ticket is another person\'s', 0, 0
	elseif redis.call('HEXISTS', key(keys, 'left'), person) == 1 then
		return 'refused', '', 0, 0
	elseif rank + 1 > event.cursor then
		return 'foreign', 'this ticket was not granted', 0, 0
	end
	local issued = redis.call('HGET', key(keys, 'issued'), person)
	if issued then
		local granted_us, issued_us, code = string.match(issued, '^(%d+) (%d+) (.*)$')
		return 'already', code, tonumber(granted_us), tonumber(issued_us)
	end
	local granted_us, issued_us, code = granted_us_of(keys, ticket), digits(now), offered
	local there = redis.call('HGET', key(keys, 'pending'), person)
	if there then
		granted_us, issued_us, code = string.match(there, '^%S+ %S+ %S+ (%d+) (%d+) (.*)$')
	end
	redis.call('HSET', key(keys, 'pending'), person,
		pending_value(partition, offset, granted_us, issued_us, code))
	return 'assigned', code, tonumber(granted_us), tonumber(issued_us)
end

-- assign ID, then PERSON TICKET CODE PARTITION OFFSET a winner
--   -> STATUS CODE JOINED_US GRANTED_US ISSUED_US a winner, in order.
-- STATUS: assigned (CODE is theirs: the one offered, or the one they have had), already (issued,
-- or named twice in this call), refused (left meanwhile), foreign (CODE says why). issued_us is fixed with the code.
local function assign(keys, args)
	local event = read(keys, { 'cursor' })
	if not event then
		return no_event()
	end
	local reply, now, seen = {}, now_us(), {}
	for i = 2, #args, 5 do
		local status, code, granted_us, issued_us = 'foreign', 'this event has another id', 0, 0
		if event.id == args[1] then
			status, code, granted_us, issued_us = assign_one(keys, event, now,
				unpack(args, i, i + 4))
			if status == 'assigned' and seen[args[i]] then
				status = 'already'
			end
			seen[args[i]] = true
		end
		local known = status ~= 'foreign' and redis.call('ZSCORE', keys[2], args[i])
		local n = #reply
		reply[n + 1], reply[n + 2] = status, code
		reply[n + 3], reply[n + 4], reply[n + 5] = tonumber(known or 0), granted_us, issued_us
	end
	return reply
end

-- done ID PERSON... -> how many went from pending to issued
local function done(keys, args)
	local event = read(keys, {})
	if not event then
		return no_event()
	elseif event.id ~= args[1] or #args < 2 then
		return 0
	end
	local moved = 0
	for first = 2, #args, SLICE do
		local last = math.min(first + SLICE - 1, #args)
		local values = redis.call('HMGET', key(keys, 'pending'), unpack(args, first, last))
		local issued, gone = {}, {}
		for i = first, last do
			local value = values[i - first + 1]
			if value then
				issued[#issued + 1] = args[i]
				issued[#issued + 1] = string.match(value, '^%S+ %S+ %S+ (.*)$')
				gone[#gone + 1] = args[i]
			end
		end
		if #gone > 0 then
			redis.call('HSET', key(keys, 'issued'), unpack(issued))
			moved = moved + redis.call('HDEL', key(keys, 'pending'), unpack(gone))
		end
	end
	redis.call('HINCRBY', keys[1], 'issued', moved)
	return moved
end

-- adopt ID PERSON GRANTED_US ISSUED_US CODE burn|keep -> 1, or 0 where nothing is pending
-- The ledger wins over Redis: the pending code is replaced by the one given; 'burn' counts the
-- replaced one as lost to another ticket.
local function adopt(keys, args)
	local event = read(keys, {})
	if not event then
		return no_event()
	end
	local there = redis.call('HGET', key(keys, 'pending'), args[2])
	if event.id ~= args[1] or not there then
		return 0
	end
	local partition, offset, code = string.match(there, '^%S+ (%S+) (%S+) %d+ %d+ (.*)$')
	redis.call('HSET', key(keys, 'pending'), args[2],
		pending_value(partition, offset, args[3], args[4], args[5]))
	if args[6] == 'burn' and code ~= args[5] then
		redis.call('HINCRBY', keys[1], 'burnt', 1)
	end
	return 1
end

register('assign', assign)
register('done', done)
register('adopt', adopt)
