-- page FROM COUNT [codes] -> CURSOR, then TICKET PERSON JOINED_US GRANTED_US STATE ISSUED_US CODE
-- for each granted ticket from FROM on, in order; STATE: granted assigned parked issued returned
-- revoked.
-- Who left while waiting was never granted and has no row. CODE is '' unless 'codes' is asked for.

-- Calls visit(ticket, person, joined_us, granted_us, mark, issued, pending) for each ticket in
-- first..last that a grant step has passed, in order.
local function each_granted(keys, first, last, visit)
	local people = redis.call('ZRANGE', keys[2], first - 1, last - 1, 'WITHSCORES')
	if #people == 0 then
		return
	end
	local names = {}
	for i = 1, #people, 2 do
		names[#names + 1] = people[i]
	end
	local marks = redis.call('HMGET', key(keys, 'left'), unpack(names))
	local issued = redis.call('HMGET', key(keys, 'issued'), unpack(names))
	local pending = redis.call('HMGET', key(keys, 'pending'), unpack(names))
	local steps = redis.call('ZRANGEBYSCORE', key(keys, 'grants'), first, '+inf', 'WITHSCORES',
		'LIMIT', 0, #names)
	local step = 1
	for i = 1, #names do
		local ticket = first + i - 1
		while steps[step] and tonumber(steps[step + 1]) < ticket do
			step = step + 2
		end
		visit(ticket, names[i], tonumber(people[2 * i]), tonumber(steps[step] or 0),
			marks[i], issued[i], pending[i])
	end
end

-- STATE, ISSUED_US and CODE of a granted ticket; nil for who left while waiting.
local function award_of(mark, issued, pending)
	if mark then
		local _, how = read_mark(mark)
		if how == 'waiting' then
			return nil
		end
		return how == 'granted' and 'returned' or 'revoked', 0, ''
	elseif issued then
		local _, issued_us, code = read_issued(issued)
		return 'issued', issued_us, code
	elseif pending then
		local state, _, rest = read_pending(pending)
		local _, issued_us = read_issued(rest)
		return state, issued_us, ''
	end
	return 'granted', 0, ''
end

local function page(keys, args)
	local event = read(keys, { 'cursor' })
	if not event then
		return no_event()
	end
	local first = tonumber(args[1])
	local last = math.min(first + math.min(tonumber(args[2]), SLICE) - 1, event.cursor)
	local reply = { last }
	if first > last then
		return reply
	end
	each_granted(keys, first, last, function(ticket, person, joined_us, granted_us, ...)
		local state, issued_us, code = award_of(...)
		if state then
			local n = #reply
			reply[n + 1], reply[n + 2], reply[n + 3] = ticket, person, joined_us
			reply[n + 4], reply[n + 5], reply[n + 6] = granted_us, state, issued_us
			reply[n + 7] = args[3] == 'codes' and code or ''
		end
	end)
	return reply
end

-- seconds FROM COUNT -> NEXT, then SECOND JOINED for up to COUNT seconds in which somebody joined,
-- from ticket FROM on; NEXT is the ticket to go on from, 0 at the end of the line.
local function seconds(keys, args)
	if not read(keys, {}) then
		return no_event()
	end
	local ticket, reply = tonumber(args[1]), { 0 }
	for _ = 1, math.min(tonumber(args[2]), SLICE) do
		local at = redis.call('ZRANGE', keys[2], ticket - 1, ticket - 1, 'WITHSCORES')[2]
		if not at then
			return reply
		end
		local second = math.floor(at / 1000000)
		local joined = redis.call('ZCOUNT', keys[2], at, '(' .. digits((second + 1) * 1000000))
		reply[#reply + 1], reply[#reply + 2] = second, joined
		ticket = ticket + joined
	end
	reply[1] = ticket
	return reply
end

register('page', page, { 'no-writes' })
register('seconds', seconds, { 'no-writes' })
