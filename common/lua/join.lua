-- join  PERSON... -> STATUS TICKET JOINED_US DETAIL, a person
-- enter PERSON... -> STATUS COUNT TICKET JOINED_US DETAIL, a run: COUNT people one after the other with the
--   same status and detail, whose tickets and times each rise by one, or are 0 all along
-- Order: in line? -> state and times -> capacity -> enter. Only "enter" writes the line; each call writes
-- the counters. One person alone, the usual call of a web backend, is asked about with a command for each thing that
-- matters then; of many, most are of one kind, and take one command.

local RUN = 5     -- values a run
local SAMPLE = 61 -- one of so many people tells what most of them are

-- The counter of each answer that lets nobody in.
local COUNTERS = {
	already = 'already', left = 'refused_left', soldout = 'refused_soldout',
	early = 'refused_early', closed = 'refused_closed', paused = 'refused_paused',
}

-- The last digits of a number, without string.format, which is not there yet.
local TAIL, TAILS = 100, {}
for i = 0, TAIL - 1 do
	TAILS[i] = (i < 10 and '0' or '') .. i
end

-- What a stranger finds: the event and the line as they stand, and what they are told once there is no room.
local function open_visit(keys)
	local state, opens_us, closes_us, stock, standby, left, returned = unpack(redis.call('HMGET', keys[1],
		'state', 'opens_us', 'closes_us', 'stock', 'standby', 'left', 'returned'))
	if not state then
		return nil
	end
	local now, size, gone = now_us(), redis.call('ZCARD', keys[2]), (left or 0) + (returned or 0)
	local visit = {
		state = state, opens_us = (opens_us or 0) + 0, closes_us = (closes_us or 0) + 0, now = now,
		gone = gone, size = size, room = stock + standby - (size - gone), refusal = 'soldout', wait_s = '',
	}
	local shut, wait_s = door(visit, now)
	if shut then
		visit.room, visit.refusal, visit.wait_s = 0, shut, wait_s or ''
	end
	return visit
end

-- The time that whoever enters is behind: of the last in line, or just past.
local function newest_us(keys, now)
	if redis.call('ZCOUNT', keys[2], digits(now), '+inf') == 0 then
		return now - 1
	end
	return redis.call('ZRANGE', keys[2], '-1', '-1', 'WITHSCORES')[2] + 0
end

local function tally(keys, status, people)
	redis.call('HINCRBY', keys[1], COUNTERS[status], people)
end

-- STATUS TICKET JOINED_US DETAIL of one person alone; nil where there is no such event.
local function join_alone(keys, person)
	local call, event, line = redis.call, keys[1], keys[2]
	local rank = call('ZRANK', line, person)
	if rank and call('HGET', event, 'state') then
		local status = call('HGET', key(keys, 'left'), person) and 'left' or 'already'
		tally(keys, status, '1')
		return status, rank + 1, call('ZSCORE', line, person) + 0, ''
	end
	local visit = open_visit(keys)
	if not visit then
		return nil
	elseif visit.room < 1 then
		tally(keys, visit.refusal, '1')
		return visit.refusal, 0, 0, visit.wait_s
	end
	local ticket, joined_us = visit.size + 1, newest_us(keys, visit.now) + 1
	call('ZADD', line, digits(joined_us), person)
	call('HSET', event, 'joined', digits(ticket))
	return 'joined', ticket, joined_us, ''
end

local function add_run(visit, status, count, ticket, joined_us)
	local runs, n = visit.runs, #visit.runs
	runs[n + 1], runs[n + 2], runs[n + 3], runs[n + 4], runs[n + 5] = status, count, ticket, joined_us, ''
end

local function nobody_left(visit)
	return visit.gone == 0
end

-- The marks of those people who have left, by their turn.
local function read_marks(visit, keys, people, first, last)
	return nobody_left(visit) and {}
		or redis.call('HMGET', key(keys, 'left'), unpack(people, first, last))
end

-- Puts people in line, each at the time that tells their turn: last_us + turn. How many were not there yet?
-- All but the last digits of many times are the same: string.format for each would be a fifth of the call.
local function put_in_line(visit, keys, people, first, last)
	local entering, n, us, tails = {}, 0, visit.last_us + 1, TAILS
	while first <= last do
		local tail = us % TAIL
		local head, count = digits((us - tail) / TAIL), math.min(TAIL - tail, last - first + 1)
		for i = first, first + count - 1 do
			entering[n + 1], entering[n + 2] = head .. tails[tail], people[i]
			n, tail = n + 2, tail + 1
		end
		first, us = first + count, us + count
	end
	return redis.call('ZADD', keys[2], 'NX', unpack(entering))
end

-- Of those turns so many have entered.
local function advance(visit, turns, entered)
	visit.room, visit.size = visit.room - entered, visit.size + entered
	visit.last_us = visit.last_us + turns
end

-- The join times of people of whom so many have just been put in line. Those stand at its end; the others were
-- there before, or are among these twice.
local function times_behind(visit, keys, people, first, last, entered)
	local row = redis.call('ZRANGE', keys[2], visit.size, '-1')
	local times, others, turns, n = {}, {}, {}, 0
	for turn = 1, last - first + 1 do
		local person = people[first + turn - 1]
		if person == row[turn - n] then
			times[turn] = visit.last_us + turn
		else
			n = n + 1
			others[n], turns[n] = person, turn
		end
	end
	local found = redis.call('ZMSCORE', keys[2], unpack(others))
	for i = 1, n do
		times[turns[i]] = found[i]
	end
	return times
end

-- Answers one by one, and lets in who may enter. `times` are those of the people in line: at the time of
-- their turn, if they were put there just now. What it needs is in locals: this is where a mixed call's time goes.
local function join_each(visit, keys, people, first, last, times)
	local runs, at = visit.runs, #visit.runs - RUN -- the run that goes on
	local status, ticket, next_us                  -- of the person before, and the time of who goes on with the run
	local size, last_us, room = visit.size, visit.last_us, visit.room
	local entering, n, marks = {}, 0, nil -- people by their turn to enter, and the other way round
	local call, line = redis.call, keys[2]
	for turn = 1, last - first + 1 do
		local person, joined_us, before, detail = people[first + turn - 1], times[turn], status, ''
		if joined_us then
			joined_us = joined_us + 0
			if joined_us == last_us + turn then
				n = n + 1
				status, ticket = 'joined', size + n
			else
				marks = marks or read_marks(visit, keys, people, first, last)
				status = marks[turn] and 'left' or 'already'
				ticket = joined_us == next_us and ticket + 1 or call('ZRANK', line, person) + 1
			end
		elseif entering[person] then
			status, ticket, joined_us = 'already', size + entering[person], last_us + entering[person]
		elseif n < room then
			n = n + 1
			status, ticket, joined_us = 'joined', size + n, last_us + n
			entering[n], entering[person] = person, n
		else
			status, ticket, joined_us, detail = visit.refusal, 0, 0, visit.wait_s
		end
		if status == before and joined_us == next_us then
			runs[at + 2] = runs[at + 2] + 1
		else
			at = at + RUN
			runs[at + 1], runs[at + 2], runs[at + 3] = status, 1, ticket
			runs[at + 4], runs[at + 5] = joined_us, detail
		end
		next_us = joined_us > 0 and joined_us + 1 or 0
	end
	if #entering > 0 then
		put_in_line(visit, keys, entering, 1, n)
	end
	advance(visit, last - first + 1, n)
end

-- Answers people who may all be strangers, and for all of whom there is room.
local function join_strangers(visit, keys, people, first, last)
	local count, entered = last - first + 1, put_in_line(visit, keys, people, first, last)
	if entered == count then
		add_run(visit, 'joined', count, visit.size + 1, visit.last_us + 1)
		advance(visit, count, count)
	else
		join_each(visit, keys, people, first, last,
			times_behind(visit, keys, people, first, last, entered))
	end
end

-- Answers people who are in line one behind the other, with times that follow each other, as those of a stream
-- that runs again; false where it is not so. Nobody has left.
local function join_again(visit, keys, people, first, last)
	local ends_us = redis.call('ZMSCORE', keys[2], people[first], people[last])
	if not ends_us[2] or ends_us[2] - ends_us[1] ~= last - first then
		return false
	end
	local ticket = ticket_of(keys, people[first])
	local row = redis.call('ZRANGE', keys[2], ticket - 1, ticket - 1 + last - first)
	for turn = 1, last - first + 1 do
		if row[turn] ~= people[first + turn - 1] then
			return false
		end
	end
	add_run(visit, 'already', last - first + 1, ticket, ends_us[1] + 0)
	return true
end

-- Is all of a sample in line? Is nobody?
local function try_some(keys, people, first, last)
	local some, all, none = {}, true, true
	for i = first, last, SAMPLE do
		some[#some + 1] = people[i]
	end
	local times = redis.call('ZMSCORE', keys[2], unpack(some))
	for i = 1, #some do
		all, none = all and times[i], none and not times[i]
	end
	return all, none
end

-- Most calls are of one kind, which a sample tells.
local function join_slice(visit, keys, people, first, last)
	local all, none = try_some(keys, people, first, last)
	if none and last - first < visit.room then
		join_strangers(visit, keys, people, first, last)
	elseif not (all and nobody_left(visit) and join_again(visit, keys, people, first, last)) then
		join_each(visit, keys, people, first, last,
			redis.call('ZMSCORE', keys[2], unpack(people, first, last)))
	end
end

-- Each call writes the counters.
local function write_counters(visit, keys)
	local counts = {}
	for at = 1, #visit.runs, RUN do
		local status = visit.runs[at]
		counts[status] = (counts[status] or 0) + visit.runs[at + 1]
	end
	for status, people in pairs(counts) do
		if status == 'joined' then
			redis.call('HSET', keys[1], 'joined', digits(visit.size))
		else
			tally(keys, status, people)
		end
	end
end

local function enter(keys, people)
	if #people == 1 then
		local status, ticket, joined_us, detail = join_alone(keys, people[1])
		return status and { status, 1, ticket, joined_us, detail } or no_event()
	end
	local visit = open_visit(keys)
	if not visit then
		return no_event()
	end
	visit.runs, visit.last_us = {}, newest_us(keys, visit.now)
	for first = 1, #people, SLICE do
		join_slice(visit, keys, people, first, math.min(first + SLICE - 1, #people))
	end
	write_counters(visit, keys)
	return visit.runs
end

local function join(keys, people)
	local runs = enter(keys, people)
	if runs.err then
		return runs
	elseif #people == 1 then
		table.remove(runs, 2)
		return runs
	end
	local reply, n = {}, 0
	for at = 1, #runs, RUN do
		local status, count, ticket, joined_us, detail = unpack(runs, at, at + RUN - 1)
		local rise = ticket > 0 and 1 or 0
		for k = 0, count - 1 do
			reply[n + 1], reply[n + 2] = status, ticket + k * rise
			reply[n + 3], reply[n + 4] = joined_us + k * rise, detail
			n = n + 4
		end
	end
	return reply
end

register('enter', enter, {})
register('join', join, {})
