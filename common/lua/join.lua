-- join PERSON... -> STATUS TICKET JOINED_US DETAIL, a person
-- Order: in line? -> state and times -> capacity -> enter. Only "enter" writes the line; each call writes
-- the counters.

local JOIN_FIELDS = {
	'state', 'opens_us', 'closes_us', 'stock', 'standby', 'left', 'returned', 'already',
	'refused_soldout', 'refused_early', 'refused_closed', 'refused_paused', 'refused_left',
}

-- What one call knows, and what it has counted.
local function open_visit(keys)
	local event = read(keys, JOIN_FIELDS)
	if not event then
		return nil
	end
	local now = now_us()
	local visit = { event = event, reply = {}, filled = 0, changed = {} }
	visit.refusal, visit.wait_s = door(event, now)
	visit.size = redis.call('ZCARD', keys[2])
	visit.room = event.stock + event.standby - (visit.size - event.left - event.returned)
	visit.next_us = math.max(now,
		(redis.call('ZRANGE', keys[2], -1, -1, 'WITHSCORES')[2] or 0) + 1)
	return visit
end

local function count(visit, counter)
	visit.event[counter] = visit.event[counter] + 1
	visit.changed[counter] = true
end

local function answer(visit, status, ticket, joined_us, detail)
	local reply, n = visit.reply, visit.filled
	reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = status, ticket, joined_us, detail
	visit.filled = n + 4
end

local function answer_known(visit, keys, person, score, mark)
	if mark then
		count(visit, 'refused_left')
	else
		count(visit, 'already')
	end
	answer(visit, mark and 'left' or 'already', ticket_of(keys, person), tonumber(score), '')
end

local function refuse(visit)
	local reason = visit.refusal or 'soldout'
	count(visit, 'refused_' .. reason)
	answer(visit, reason, 0, 0, visit.refusal and visit.wait_s or '')
end

local function join_slice(visit, keys, people, first, last)
	local scores = redis.call('ZMSCORE', keys[2], unpack(people, first, last))
	local marks = {}
	if visit.event.left + visit.event.returned > 0 then
		marks = redis.call('HMGET', key(keys, 'left'), unpack(people, first, last))
	end
	local entering, n, seen = {}, 0, {}
	for i = first, last do
		local person = people[i]
		local at = seen[person]
		local score = scores[i - first + 1]
		if score then
			answer_known(visit, keys, person, score, marks[i - first + 1])
		elseif at then
			count(visit, 'already')
			answer(visit, 'already', visit.reply[at + 2], visit.reply[at + 3], '')
		elseif visit.refusal or visit.room <= 0 then
			refuse(visit)
		else
			seen[person] = visit.filled
			visit.size = visit.size + 1
			visit.room = visit.room - 1
			answer(visit, 'joined', visit.size, visit.next_us, '')
			entering[n + 1], entering[n + 2] = digits(visit.next_us), person
			n = n + 2
			visit.next_us = visit.next_us + 1
		end
	end
	if n > 0 then
		redis.call('ZADD', keys[2], unpack(entering, 1, n))
	end
end

local function join(keys, people)
	local visit = open_visit(keys)
	if not visit then
		return no_event()
	end
	for first = 1, #people, SLICE do
		join_slice(visit, keys, people, first, math.min(first + SLICE - 1, #people))
	end
	local write = { 'joined', digits(visit.size) }
	for counter in pairs(visit.changed) do
		write[#write + 1] = counter
		write[#write + 1] = digits(visit.event[counter])
	end
	redis.call('HSET', keys[1], unpack(write))
	return visit.reply
end

register('join', join, {})
