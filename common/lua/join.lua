-- join PERSON... -> STATUS TICKET JOINED_US DETAIL, a person
-- Order: in line? -> state and times -> capacity -> enter. Only "enter" writes the line; each call writes
-- the counters.

local JOIN_FIELDS = { 'state', 'opens_us', 'closes_us', 'stock', 'standby', 'left', 'returned' }

-- The counter of each answer that lets nobody in.
local COUNTERS = {
	already = 'already', left = 'refused_left', soldout = 'refused_soldout',
	early = 'refused_early', closed = 'refused_closed', paused = 'refused_paused',
}

-- What one call knows: the line as it stands, what a stranger is told once there is no room, and what it
-- has answered and counted.
local function open_visit(keys)
	local event = read(keys, JOIN_FIELDS)
	if not event then
		return nil
	end
	local now = now_us()
	local visit = { event = event, reply = {}, filled = 0, counts = {} }
	local shut, wait_s = door(event, now)
	visit.refusal, visit.wait_s = shut or 'soldout', wait_s or ''
	visit.size = redis.call('ZCARD', keys[2])
	visit.room = shut and 0
		or event.stock + event.standby - (visit.size - event.left - event.returned)
	visit.last_us = math.max(now - 1,
		redis.call('ZRANGE', keys[2], '-1', '-1', 'WITHSCORES')[2] or 0)
	return visit
end

-- The join times of some people, and their marks; false where there is none.
local function look_up(visit, keys, people, first, last)
	local scores = redis.call('ZMSCORE', keys[2], unpack(people, first, last))
	if visit.event.left + visit.event.returned == 0 then
		return scores, {}
	end
	return scores, redis.call('HMGET', key(keys, 'left'), unpack(people, first, last))
end

-- One pass over the people, with what it needs of the visit in locals: this is where a call's time goes.
local function join_slice(visit, keys, people, first, last)
	local scores, marks = look_up(visit, keys, people, first, last)
	local reply, filled, counts = visit.reply, visit.filled, visit.counts
	local room, size, last_us = visit.room, visit.size, visit.last_us
	local entering, n, seen = {}, 0, {}
	local tell_ticket = ticket_teller(keys)
	for i = first, last do
		local person, joined_us = people[i], scores[i - first + 1]
		local status, ticket, detail = 'already', 0, ''
		if joined_us then
			joined_us = joined_us + 0
			ticket = tell_ticket(person, joined_us)
			status = marks[i - first + 1] and 'left' or status
		elseif seen[person] then
			ticket, joined_us = reply[seen[person] + 2], reply[seen[person] + 3]
		elseif n < room then
			n = n + 1
			status, ticket, joined_us = 'joined', size + n, last_us + n
			entering[2 * n - 1], entering[2 * n] = digits(joined_us), person
			seen[person] = filled
		else
			status, joined_us, detail = visit.refusal, 0, visit.wait_s
		end
		counts[status] = (counts[status] or 0) + 1
		reply[filled + 1], reply[filled + 2] = status, ticket
		reply[filled + 3], reply[filled + 4] = joined_us, detail
		filled = filled + 4
	end
	if n > 0 then
		redis.call('ZADD', keys[2], unpack(entering))
	end
	visit.filled, visit.room, visit.size, visit.last_us = filled, room - n, size + n, last_us + n
end

local function join(keys, people)
	local visit = open_visit(keys)
	if not visit then
		return no_event()
	end
	for first = 1, #people, SLICE do
		join_slice(visit, keys, people, first, math.min(first + SLICE - 1, #people))
	end
	if visit.counts.joined then
		redis.call('HSET', keys[1], 'joined', digits(visit.size))
	end
	for status, counter in pairs(COUNTERS) do
		if visit.counts[status] then
			redis.call('HINCRBY', keys[1], counter, visit.counts[status])
		end
	end
	return visit.reply
end

register('join', join, {})
