-- explain PERSON -> WHAT VALUE ...: why they stand where they stand (P10). Never a code.
--   event id user state decision reason, of whom is in line ticket joined_us code, and what there is of
--   ahead, granted_us, issued_us, winner_at (partition and offset of their record), run (that has it in
--   hand, or parked it), left_us left_as left_by, log (the entry about them, while the outbox has it and
--   the caller may read that).
-- STATE is rank's; DECISION: granted, passed over (they had left), none (so far). CODE: none, assigned,
-- issued, parked, burnt.

local LEFT_WHY = {
	waiting = 'they left before it was their turn',
	granted = 'they gave the slot back before they had a code',
	issued = 'it was revoked when the code was out',
	parked = 'it was revoked when the code could not be delivered',
}

local CODE_WHY = {
	none = 'a slot was free when it was their turn; the code is not assigned yet',
	assigned = 'a slot was free when it was their turn; the code is on its way',
	issued = 'a slot was free when it was their turn; the code is out',
	parked = 'a slot was free when it was their turn; the code could not be delivered, and is kept',
}

local function turn_why(keys, event, ahead)
	local shut = door(event, now_us())
	if shut == 'paused' or shut == 'early' then
		return 'nothing is granted while the event is ' .. (shut == 'early' and 'not open' or shut)
	end
	return string.format('%.0f of %.0f slots are taken, and %.0f in line go before them',
		event.granted - event.returned, slots(event), ahead)
end

local function at_us_of(entry)
	return tonumber(string.match(entry, '"at_us":(%d+)')) or 0
end

-- How many entries of the outbox are older. They are in the order of their times, unless the clock was set back:
-- a pipe event keeps them all, so they are not read from end to end.
local function older(outbox, at_us)
	local low, high = 0, redis.call('LLEN', outbox)
	while low < high do
		local middle = math.floor((low + high) / 2)
		if at_us_of(redis.call('LRANGE', outbox, middle, middle)[1]) < at_us then
			low = middle + 1
		else
			high = middle
		end
	end
	return low
end

-- Of those who left in one step, that of this person. Who may only ask may not read the outbox: that they left,
-- and who said so, stands in the mark, too.
local function log_of(keys, person, ticket, at_us)
	local outbox = key(keys, 'outbox')
	local mine = '"user":' .. string.gsub(cjson.encode(person), '\\/', '/')
		.. ',"ticket":' .. digits(ticket) .. ','
	if not redis.acl_check_cmd('LRANGE', outbox, 0, 0) then
		return nil
	end
	for first = older(outbox, at_us), redis.call('LLEN', outbox) - 1, SLICE do
		for _, entry in ipairs(redis.call('LRANGE', outbox, first, first + SLICE - 1)) do
			if at_us_of(entry) > at_us then
				return nil
			elseif string.find(entry, mine, 1, true) then
				return entry
			end
		end
	end
end

-- What is known of a code: STATE, GRANTED_US, ISSUED_US, WINNER_AT, RUN.
local function code_of(issued, pending)
	if issued then
		local granted_us, issued_us = read_issued(issued)
		return 'issued', granted_us, issued_us
	elseif not pending then
		return 'none'
	end
	local state, place, rest, run = read_pending(pending)
	local granted_us, issued_us = read_issued(rest)
	return state, granted_us, issued_us, place ~= NOWHERE and string.gsub(place, ' ', ':') or nil,
		run ~= '' and run or nil
end

local function explain_mark(keys, event, person, ticket, mark, add)
	local at_us, as, by = string.match(mark, '^(%d+) (%S+) (%S+)')
	local passed = as == 'waiting' and ticket <= event.cursor
	local won = as ~= 'waiting'
	add('decision', won and 'granted' or passed and 'passed over' or 'none')
	add('reason', LEFT_WHY[as])
	add('code', (as == 'issued' or as == 'parked') and 'burnt' or 'none')
	add('granted_us', won and tonumber((step_of(keys, ticket))) or nil)
	add('left_us', tonumber(at_us))
	add('left_as', as)
	add('left_by', by)
	add('log', log_of(keys, person, ticket, tonumber(at_us)))
end

local function explain_place(keys, event, person, ticket, add)
	local issued = redis.call('HMGET', key(keys, 'issued'), person)[1]
	local pending = redis.call('HMGET', key(keys, 'pending'), person)[1]
	local state, ahead = place(event, ticket, issued, pending)
	local code, granted_us, issued_us, winner_at, run = code_of(issued, pending)
	add('state', state)
	if ticket > event.cursor then
		add('decision', 'none')
		add('reason', turn_why(keys, event, ahead))
		add('code', 'none')
		add('ahead', ahead)
		return
	end
	add('decision', 'granted')
	add('reason', CODE_WHY[code])
	add('code', code)
	add('granted_us', granted_us or tonumber((step_of(keys, ticket))))
	add('issued_us', code ~= 'none' and issued_us or nil)
	add('winner_at', winner_at)
	add('run', run)
end

local function explain(keys, args)
	local event, person = read_to_tell(keys, {
		'state', 'opens_us', 'closes_us', 'stock', 'cursor', 'granted', 'returned', 'codes',
		'codes_loaded', 'burnt',
	}), args[1]
	if not event then
		return no_event()
	end
	local reply = {}
	local function add(what, value)
		if value then
			reply[#reply + 1], reply[#reply + 2] = what, value
		end
	end
	add('event', string.match(keys[1], '{(.*)}'))
	add('id', event.id)
	add('user', person)
	local joined_us = redis.call('ZMSCORE', keys[2], person)[1]
	if not joined_us then
		add('state', 'absent')
		add('decision', 'none')
		add('reason', 'they are not in line: never there, or refused')
		return reply
	end
	local ticket = ticket_of(keys, person)
	local mark = redis.call('HMGET', key(keys, 'left'), person)[1]
	add('ticket', ticket)
	add('joined_us', tonumber(joined_us))
	if mark then
		add('state', 'left')
		explain_mark(keys, event, person, ticket, mark, add)
	else
		explain_place(keys, event, person, ticket, add)
	end
	return reply
end

register('explain', explain, { 'no-writes' })
