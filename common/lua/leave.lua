-- leave WHO HOW PERSON... -> STATUS TICKET, a person
-- HOW: leave, revoke (also what is parked or issued), or parked:RUN (nothing but what that run has
-- parked; any run, where RUN is '').
-- Asking again gives the same answer: the mark in `left` remembers the state they left in.

-- Where a person stands who has not left: waiting, granted, assigned, or, with the code, issued or
-- parked, and by which run.
local function standing(keys, person, ticket, cursor)
	if ticket > cursor then
		return 'waiting'
	end
	local issued = redis.call('HGET', key(keys, 'issued'), person)
	if issued then
		return 'issued', select(3, read_issued(issued))
	end
	local state, _, rest, run = pending_of(keys, person)
	if state == 'parked' then
		return state, select(3, read_issued(rest)), run
	end
	return state or 'granted'
end

local function mark(keys, event, person, ticket, state, who, code)
	local status, now = state == 'waiting' and 'left' or 'returned', now_us()
	redis.call('HSET', key(keys, 'left'), person,
		table.concat({ digits(now), state, who, code or '' }, ' '))
	redis.call('HINCRBY', keys[1], status, 1)
	if code then
		redis.call('HDEL', key(keys, 'issued'), person)
		if redis.call('HDEL', key(keys, 'pending'), person) == 1 then
			redis.call('HINCRBY', keys[1], 'parked', -1)
		end
		redis.call('HINCRBY', keys[1], 'revoked', 1)
		redis.call('HINCRBY', keys[1], 'burnt', 1)
	end
	log(keys, event.id, now, code and 'revoke' or 'leave', who, person, ticket, state, status)
	return status
end

-- May HOW take this back?
local function may(how, code, run)
	local of = string.match(how, '^parked:(.*)$')
	if of then
		return run and (of == '' or of == run)
	end
	return not code or how == 'revoke'
end

local function leave_one(keys, event, person, who, how)
	local ticket = redis.call('ZRANK', keys[2], person)
	if not ticket then
		return 'absent', 0
	end
	ticket = ticket + 1
	local there = redis.call('HGET', key(keys, 'left'), person)
	if there then
		local _, state = read_mark(there)
		return state == 'waiting' and 'left' or 'returned', ticket
	end
	local state, code, run = standing(keys, person, ticket, event.cursor)
	if state == 'assigned' then
		return 'busy', ticket
	elseif not may(how, code, run) then
		return 'issued', ticket
	end
	return mark(keys, event, person, ticket, state, who, code), ticket
end

local function leave(keys, args)
	local event = read(keys, { 'cursor' })
	if not event then
		return no_event()
	end
	local reply = {}
	for i = 3, #args do
		local status, ticket = leave_one(keys, event, args[i], args[1], args[2])
		reply[#reply + 1] = status
		reply[#reply + 1] = ticket
	end
	return reply
end

-- revoked ID SCAN -> SCAN, then the TICKET of each whose code was revoked
--   A part at a time: from SCAN 0 on until it is 0 again.
local function revoked(keys, args)
	local event = read(keys, {})
	if not event or event.id ~= args[1] then
		return no_event()
	end
	local scan = redis.call('HSCAN', key(keys, 'left'), args[2], 'COUNT', SLICE)
	local reply = { tonumber(scan[1]) }
	for i = 1, #scan[2], 2 do
		local _, state = read_mark(scan[2][i + 1])
		if state == 'issued' or state == 'parked' then
			reply[#reply + 1] = ticket_of(keys, scan[2][i])
		end
	end
	return reply
end

register('leave', leave)
register('revoked', revoked, { 'no-writes' })
