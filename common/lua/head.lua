#!lua name=fcfs
--
-- fcfs: every decision of a first-come-first-served event, each one atomic step.
--
-- A step is given two keys, fcfs:{E}:event and fcfs:{E}:line; the event's other keys share their
-- stem. It decides and writes in one go, and may be repeated: a caller whose answer was lost asks
-- again and ends in the same state.
--
--   (person) --join--> waiting --grant--> granted --assign--> assigned --done--> issued
--                         |                  |                  |   ^              |
--                         |                  |              park|   |sent again    |
--                         |                  |                  v   |              |
--                         | leave            | leave            parked             | revoke
--                         v                  v                  | revoke           v
--                       left              returned <------------+---- returned, code burnt
--
-- Who is assigned cannot leave (busy): the code is on its way. What failed for good is parked, by the
-- run that delivers it: confirm.lua.
--
-- P1 line     a person is in it once, and stays until the purge: leaving is a mark in `left`
-- P2 line     scores are the server's time in us, strictly increasing: ticket = rank + 1
-- P3 grant    granted - returned < stock is compared in the step that spends
--             (supplied codes: and < codes_loaded - burnt, so each slot finds its code)
-- P4 grant    the cursor passes every ticket once, skipping who left; a returned slot reopens it
-- P5 assign   a person's first code stays, in `pending` and then in `issued`
-- P9 held     a dispatcher's lease and epoch are checked inside grant
--
-- Values:  left     AT_US STATE WHO CODE          STATE: waiting granted issued parked (when they left)
--          pending  STATE PARTITION OFFSET GRANTED_US ISSUED_US CODE
--                                                 STATE: assigned:RUN, the run that delivers it; assigned,
--                                                 for good: it is on its way out; parked:RUN, the run that
--                                                 gave it up
--          issued   GRANTED_US ISSUED_US CODE
--          grants   member GRANTED_US, score: the last ticket granted by that step
--          loaded   LOAD:LINE                     of each supplied code: where it came from

local SLICE = 1000     -- people to one inner command: Lua's unpack ends near 8,000
local RUNS_KEPT = 1000 -- run records an event keeps

-- Fields of the event's hash that are read, and are no numbers.
local TEXTS = { id = true, state = true, codes = true, bus = true }

-- All keys of an event, and what counts the entries of those that hold its data; a purge takes them all.
local EVENT_KEYS = {
	{ 'event', 'HLEN' }, { 'line', 'ZCARD' }, { 'left', 'HLEN' }, { 'grants', 'ZCARD' },
	{ 'issued', 'HLEN' }, { 'pending', 'HLEN' }, { 'outbox', 'LLEN' }, { 'codes', 'LLEN' },
	{ 'loaded', 'HLEN' }, { 'runs', 'LLEN' }, { 'lease' }, { 'job' },
}

-- With replicas, a caller sends WAIT behind a step: it speaks of the connection's own last write. So a step that
-- may find nothing to write writes the id again: its answer rests on what others wrote, and is confirmed, too.
local function writing(callback)
	return function(keys, args)
		local reply = callback(keys, args)
		local id = redis.call('HGET', keys[1], 'id')
		if id then
			redis.call('HSET', keys[1], 'id', id)
		end
		return reply
	end
end

-- Flags name a step that only reads, or takes care of its writes itself.
local function register(name, callback, flags)
	redis.register_function({
		function_name = 'fcfs_' .. name .. '_@PROTOCOL@',
		callback = flags and callback or writing(callback),
		flags = flags or {},
	})
end

redis.register_function({
	function_name = 'fcfs_version',
	callback = function()
		return @PROTOCOL@ * 1000 + @REVISION@
	end,
	flags = { 'no-writes' },
})

local function no_event()
	return redis.error_reply('NOEVENT no such event')
end

-- touch -> 1: a write, and nothing else: what its connection has read before is confirmed with it.
register('touch', function(keys)
	return redis.call('HGET', keys[1], 'id') and 1 or no_event()
end)

-- Another key of the event: its stem is KEYS[1] without the word 'event'.
local function key(keys, name)
	return string.sub(keys[1], 1, -6) .. name
end

local function now_us()
	local time = redis.call('TIME')
	return time[1] * 1000000 + time[2]
end

-- Lua prints numbers with 14 digits; microseconds have 16. A whole number: '%d' takes it as 64 bits.
local function digits(number)
	return string.format('%d', number)
end

-- The event's fields by name, numbers as numbers; nil where there is no such event.
local function read(keys, names)
	local values = redis.call('HMGET', keys[1], 'id', unpack(names))
	if not values[1] then
		return nil
	end
	local event = { id = values[1] }
	for i = 1, #names do
		local value = values[i + 1]
		event[names[i]] = tonumber(value) or value or 0
	end
	return event
end

-- The same for who decides nothing, and only tells what is there: what should be a number and is none is 0.
local function read_to_tell(keys, names)
	local event = read(keys, names)
	for name, value in pairs(event or {}) do
		if type(value) ~= 'number' and not TEXTS[name] then
			event[name] = 0
		end
	end
	return event
end

-- How many may have a slot: the stock, and of supplied codes no more than there are.
local function slots(event)
	if event.codes ~= 'pool' then
		return event.stock
	end
	return math.min(event.stock, event.codes_loaded - event.burnt)
end

-- Why nobody may enter now: nil when the door is open, else the word and, for 'early', the seconds
-- to wait. What was set by hand goes before the times: a pause outlasts the closing time.
local function door(event, now)
	if event.state ~= 'open' then
		return event.state
	elseif event.closes_us > 0 and now >= event.closes_us then
		return 'closed'
	elseif now < event.opens_us then
		return 'early', math.ceil((event.opens_us - now) / 1000000)
	end
	return nil
end

-- The ticket of somebody known to be in line.
local function ticket_of(keys, person)
	return redis.call('ZRANK', keys[2], person) + 1
end

-- The tickets of people one after the other, by their join times: between two times that follow each other
-- there is nobody.
local function ticket_teller(keys)
	local ticket, last_us = 0, 0
	return function(person, joined_us)
		ticket = joined_us == last_us + 1 and ticket + 1 or ticket_of(keys, person)
		last_us = joined_us
		return ticket
	end
end

-- AT_US and STATE of a mark in `left`.
local function read_mark(mark)
	local at_us, state = string.match(mark, '^(%d+) (%S+)')
	return tonumber(at_us), state
end

-- Where a winner's record stood: PARTITION OFFSET, in one. In a pipe it stands nowhere.
local NOWHERE = '- -'

local function read_place(place)
	return string.match(place, '^(%S+) (%S+)$')
end

-- STATE (assigned or parked), PLACE, the rest, as it stands in `issued`, and RUN ('': none) of a value in
-- `pending`.
local function read_pending(value)
	local state, run, place, rest = string.match(value, '^(%a+):?(%S*) (%S+ %S+) (.*)$')
	return state, place, rest, run
end

-- The same of somebody's entry; nil where there is none.
local function pending_of(keys, person)
	return read_pending(redis.call('HGET', key(keys, 'pending'), person) or '')
end

local function with_run(state, run)
	return run == '' and state or state .. ':' .. run
end

-- The other way round.
local function pending_value(state, run, place, rest)
	return with_run(state, run) .. ' ' .. place .. ' ' .. rest
end

-- A value in `issued`, and its GRANTED_US, ISSUED_US and CODE.
local function issued_value(granted_us, issued_us, code)
	return granted_us .. ' ' .. issued_us .. ' ' .. code
end

local function read_issued(value)
	local granted_us, issued_us, code = string.match(value, '^(%d+) (%d+) (.*)$')
	return tonumber(granted_us), tonumber(issued_us), code
end

-- Appends a record of event_log to the outbox, in the same step as what it records.
local function log(keys, id, at_us, what, who, person, ticket, before, after)
	local event = string.match(keys[1], '{(.*)}')
	local function quoted(text)
		return (string.gsub(cjson.encode(text), '\\/', '/'))
	end
	local seq = redis.call('HINCRBY', keys[1], 'seq', 1)
	redis.call('RPUSH', key(keys, 'outbox'), table.concat({
		'{"type":"log","event":', quoted(event), ',"id":', quoted(id),
		',"seq":', digits(seq), ',"at_us":', digits(at_us),
		',"who":', quoted(who), ',"what":', quoted(what), ',"user":', quoted(person),
		',"ticket":', digits(ticket), ',"before":', quoted(before),
		',"after":', quoted(after), '}',
	}))
end
