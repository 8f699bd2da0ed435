-- The issuer's steps. ID is the event's: a record of an earlier event of the same name meets nothing.

-- The step that granted a ticket: when, and the last ticket that it granted.
local function step_of(keys, ticket)
	local found = redis.call('ZRANGEBYSCORE', key(keys, 'grants'), ticket, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
	return found[1], tonumber(found[2])
end

-- The winners of a call, in columns: what stands at N of each of them is of the N-th. A stretch of them, from number
-- FIRST to LAST, joined one right after the other: so the caller believes.
local function read_winners(args)
	local count = tonumber(args[3])
	local function column(n)
		return { unpack(args, 4 + (n - 1) * count, 3 + n * count) }
	end
	local w = {
		count = count, people = column(1), tickets = column(2), codes = column(3), places = column(4),
		stretches = {}, joined = {},
	}
	local first = 1
	for i = 4 + 4 * count, #args, 2 do
		local last = first + args[i] - 1
		table.insert(w.stretches, { first = first, last = last, replayed = args[i + 1] ~= '0' })
		first = last + 1
	end
	return w
end

-- What stands in this hash for these people: false for who is not in it, and nothing at all where it is empty.
local function look_up(keys, name, people)
	if redis.call('HLEN', key(keys, name)) == 0 then
		return {}
	end
	return redis.call('HMGET', key(keys, name), unpack(people))
end

local CLOSE = 2 -- so many names of the line are read in the time in which one's rank is found

-- Who holds the tickets FIRST..LAST, of which COUNT are asked about: nobody, where that would take longer than to ask
-- for each one's rank.
local function holders_of(keys, first, last, count)
	if last < first or last - first >= CLOSE * count then
		return {}
	end
	return redis.call('ZRANGE', keys[2], first - 1, last - 1)
end

-- Makes numbers of the tickets. By the winner's number: why a ticket is not its person's. Nil where they are not in
-- order.
local function strangers(keys, event, w)
	local people, tickets, why = w.people, w.tickets, {}
	local first, former = tonumber(tickets[1]), 0
	local holders = holders_of(keys, first, math.min(tonumber(tickets[w.count]), event.cursor), w.count)
	for n = 1, w.count do
		local person, ticket = people[n], tickets[n] + 0
		if ticket < former then
			return nil
		elseif holders[ticket - first + 1] ~= person then
			local rank = redis.call('ZRANK', keys[2], person)
			if not rank then
				why[n] = 'this person is not in line'
			elseif rank + 1 ~= ticket then
				why[n] = 'this ticket is another person\'s'
			end
		end
		tickets[n], former = ticket, ticket
	end
	return why
end

local function ask_join_times(keys, w, numbers)
	local people = {}
	for i, n in ipairs(numbers) do
		people[i] = w.people[n]
	end
	for i, joined_us in ipairs(#people > 0 and redis.call('ZMSCORE', keys[2], unpack(people)) or {}) do
		w.joined[numbers[i]] = tonumber(joined_us)
	end
end

-- The join times. Each is later than the one before by 1 at least: where the ends of a stretch are as far apart in time
-- as in tickets, so is who is between them, and DISTANCE from the ticket is the same all through.
local function find_join_times(keys, w)
	local tickets, joined, ends, others = w.tickets, w.joined, {}, {}
	for _, stretch in ipairs(w.stretches) do
		ends[#ends + 1] = stretch.first
		ends[#ends + 1] = stretch.last > stretch.first and stretch.last or nil
	end
	ask_join_times(keys, w, ends)
	for _, stretch in ipairs(w.stretches) do
		local first, last = stretch.first, stretch.last
		if not (w.strange[first] or w.strange[last])
			and joined[last] - joined[first] == tickets[last] - tickets[first] then
			stretch.distance = joined[first] - tickets[first]
		else
			for n = first + 1, last - 1 do
				others[#others + 1] = n
			end
		end
	end
	ask_join_times(keys, w, others)
end

-- A parked ticket is assigned again: a pipe's dispatch looks at it again.
local function take_up(keys, event, ticket)
	event.settled = math.min(event.settled, ticket - 1)
	redis.call('HINCRBY', keys[1], 'parked', -1)
	redis.call('HSET', keys[1], 'settled', digits(event.settled))
end

-- What is on its way out of a pipe stays so, whoever has it now: its code may be out.
local function owner_of(run, place, state, owner)
	return state == 'assigned' and place == NOWHERE and owner == '' and '' or run
end

-- Does another partition hold the record by which this ticket is assigned? That one settles it.
local function is_elsewhere(state, at, partition)
	return state == 'assigned' and at ~= '-' and partition ~= '-' and at ~= partition
end

-- STATUS CODE GRANTED_US ISSUED_US and the value for `pending` of who has one there.
local function assign_again(keys, event, run, ticket, place, replayed, value)
	local state, former, rest, owner = read_pending(value)
	local partition, offset = read_place(former)
	if is_elsewhere(state, partition, read_place(place)) then
		return 'elsewhere', '', tonumber(partition), tonumber(offset)
	end
	local granted_us, issued_us, code = read_issued(rest)
	if state == 'parked' then
		if not replayed then
			return 'parked', '', granted_us, issued_us
		end
		take_up(keys, event, ticket)
	end
	return 'assigned', code, granted_us, issued_us,
		pending_value('assigned', owner_of(run, place, state, owner), place, rest)
end

-- The same of who gets the next supplied code. What is drawn is cut off the pool at the end of the call.
local function assign_supplied(keys, event, run, w, n)
	event.pool = event.pool or redis.call('LRANGE', key(keys, 'codes'), 0, w.count - 1)
	local code, step = event.pool[event.drawn + 1], event.step
	if not code then
		return 'dry', '', 0, 0
	elseif w.tickets[n] > step.last then
		step.granted_us, step.last = step_of(keys, w.tickets[n])
	end
	event.drawn = event.drawn + 1
	return 'assigned', code, step.granted_us, event.now_us, pending_value('assigned', run, w.places[n],
		issued_value(step.granted_us, event.now_us, code))
end

-- The same of the N-th winner, who is not simply given the code offered; for 'foreign' CODE says why. LAST is the
-- ticket assigned before.
local function assign_other(keys, event, run, w, n, last, replayed)
	local ticket = w.tickets[n]
	if w.strange[n] then
		return 'foreign', w.strange[n], 0, 0
	elseif w.left[n] then
		return 'refused', '', 0, 0
	elseif ticket > event.cursor then
		return 'foreign', 'this ticket was not granted', 0, 0
	elseif ticket == last then
		return 'already', '', 0, 0
	elseif w.issued[n] then
		local granted_us, issued_us, code = read_issued(w.issued[n])
		return 'already', code, granted_us, issued_us
	elseif w.pending[n] then
		return assign_again(keys, event, run, ticket, w.places[n], replayed, w.pending[n])
	end
	return assign_supplied(keys, event, run, w, n)
end

-- The answer from the N-th winner on, who stands for the length of the stretch until all is told.
local function tell(reply, n, status, code, joined_us, granted_us, issued_us)
	local at = #reply
	reply[at + 1], reply[at + 2], reply[at + 3] = n, status, code
	reply[at + 4], reply[at + 5], reply[at + 6] = joined_us, granted_us, issued_us
end

local function tell_lengths(reply, count)
	for at = 1, #reply, 6 do
		reply[at] = (reply[at + 6] or count + 1) - reply[at]
	end
end

-- The answer, and what is to stand in `pending`: there only what is 'assigned' stands where this record does, for that
-- it is settled settles the ticket. One pass over the winners, with what it needs in locals: this is where a call's
-- time goes.
local function assign_all(keys, event, run, w)
	local people, tickets, codes, places, joined = w.people, w.tickets, w.codes, w.places, w.joined
	local strange, left, issued, pending = w.strange, w.left, w.issued, w.pending
	local supplied, cursor, step, last = event.codes == 'pool', event.cursor, event.step, 0
	local word, times = with_run('assigned', run) .. ' ', ''
	local reply, values, filled = {}, {}, 0
	for _, stretch in ipairs(w.stretches) do
		local distance, alike = stretch.distance, false
		for n = stretch.first, stretch.last do
			local ticket, value = tickets[n], nil
			local joined_us = distance and ticket + distance or joined[n] or 0
			if strange[n] or left[n] or issued[n] or pending[n] or supplied or ticket > cursor or ticket == last then
				local status, code, granted_us, issued_us
				status, code, granted_us, issued_us, value =
					assign_other(keys, event, run, w, n, last, stretch.replayed)
				tell(reply, n, status, code, status == 'foreign' and 0 or joined_us, granted_us, issued_us)
				alike = false
			else
				if ticket > step.last then
					step.granted_us, step.last = step_of(keys, ticket)
					times, alike = ' ' .. issued_value(step.granted_us, event.now_us, ''), false
				end
				value = word .. places[n] .. times .. codes[n]
				if not alike then
					tell(reply, n, 'assigned', '', joined_us, step.granted_us, event.now_us)
				end
				alike = distance
			end
			if value then
				values[filled + 1], values[filled + 2], filled, last = people[n], value, filled + 2, ticket
			end
		end
	end
	tell_lengths(reply, w.count)
	return reply, values
end

-- award ID RUN N, then, of N winners in ticket order (SLICE at most), N each of PERSON, TICKET, CODE and PLACE
--   (PARTITION OFFSET, in one), then LENGTH REPLAYS of each stretch of them
--   -> LENGTH STATUS CODE JOINED_US GRANTED_US ISSUED_US of each stretch that fares alike, in order.
-- A stretch of the call: winners whose join times are as far apart as their tickets, as their records say (it is
-- looked after), and that were sent again as often. A stretch of the reply: the same, and CODE '' is what was
-- offered to each; JOINED_US is the first one's.
-- RUN: the one that delivers the codes before they go out, and asks confirm in between; '': they go out.
-- STATUS: assigned (CODE is theirs: the one offered, or the one they have had), already (issued,
-- or assigned in this call), refused (left meanwhile), parked (given up before, and REPLAYS is 0: it
-- was not sent again), elsewhere (assigned by a record in another partition: GRANTED_US is that
-- partition, ISSUED_US the offset there), dry (no supplied code is left: the one offered is for events that have none),
-- foreign (CODE says why).
-- issued_us is fixed with the code.
local function award(keys, args)
	local event = read(keys, { 'cursor', 'codes', 'settled' })
	if not event then
		return no_event()
	elseif event.id ~= args[1] then
		return { tonumber(args[3]), 'foreign', 'this event has another id', 0, 0, 0 }
	end
	local w = read_winners(args)
	w.strange = strangers(keys, event, w)
	if not w.strange then
		return redis.error_reply('ERR these winners are not in ticket order')
	end
	w.left, w.issued = look_up(keys, 'left', w.people), look_up(keys, 'issued', w.people)
	w.pending = look_up(keys, 'pending', w.people)
	find_join_times(keys, w)
	event.now_us, event.step, event.drawn = digits(now_us()), { last = 0 }, 0
	local reply, values = assign_all(keys, event, args[2], w)
	if #values > 0 then
		redis.call('HSET', key(keys, 'pending'), unpack(values))
	end
	if event.drawn > 0 then
		redis.call('LTRIM', key(keys, 'codes'), event.drawn, -1)
	end
	return reply
end

-- The event, and PLACE, the rest and RUN of who is assigned a code there: none of these where nobody is, or where the
-- event has another id.
local function read_assigned(keys, id, person)
	local event = read(keys, { 'codes' })
	local state, place, rest, run = pending_of(keys, person)
	if event and event.id == id and state == 'assigned' then
		return event, place, rest, run
	end
	return event
end

-- lift ID PERSON PARTITION OFFSET -> 1, or 0 where it is not assigned by that record
-- The record is gone, with its topic or its retention: any other may assign the ticket from now on.
local function lift(keys, args)
	local event, place, rest, run = read_assigned(keys, args[1], args[2])
	if not event then
		return no_event()
	elseif place ~= args[3] .. ' ' .. args[4] then
		return 0
	end
	redis.call('HSET', key(keys, 'pending'), args[2], pending_value('assigned', run, NOWHERE, rest))
	return 1
end

-- Moves them from pending to issued; values are those of `pending`, false where there is none.
local function finish(keys, people, values)
	local issued, gone, count, parked = {}, {}, 0, 0
	for i, person in ipairs(people) do
		if values[i] then
			local rest = string.match(values[i], '^assigned%S* %S+ %S+ (.*)$')
			if not rest then
				parked, rest = parked + 1, select(3, read_pending(values[i]))
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
		local state, place, rest = read_pending(scan[2][i + 1])
		local partition, offset = read_place(place)
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
	local event, place, rest, run = read_assigned(keys, args[1], args[2])
	if not event then
		return no_event()
	elseif not place then
		return 0
	end
	local _, _, code = read_issued(rest)
	redis.call('HSET', key(keys, 'pending'), args[2], pending_value('assigned', run, place,
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
	local event, place, rest, run = read_assigned(keys, args[1], args[2])
	if not event then
		return no_event()
	elseif not place then
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
		redis.call('HSET', key(keys, 'pending'), args[2], pending_value('assigned', run, place,
			issued_value(digits(granted_us), digits(issued_us), code)))
	end
	return { 'assigned', code, pool and redis.call('LLEN', key(keys, 'codes')) or -1 }
end

register('award', award)
register('lift', lift)
register('done', done)
register('stranded', stranded, { 'no-writes' })
register('adopt', adopt)
register('annul', annul)
register('replace', replace)
