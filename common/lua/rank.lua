-- rank PERSON... -> STATE TICKET AHEAD ETA_S DETAIL, a person

local PACE_STEPS = 20 -- the grant rate is measured over the last so many steps

-- Tickets granted a second, nil until two steps have granted.
local function pace(keys)
	local steps = redis.call('ZRANGE', key(keys, 'grants'), -PACE_STEPS - 1, -1, 'WITHSCORES')
	if #steps < 4 then
		return nil
	end
	return (steps[#steps] - steps[2]) * 1000000 / (steps[#steps - 1] - steps[1])
end

-- STATE, AHEAD, ETA_S, DETAIL of somebody in line who has not left.
local function place(event, ticket, issued, pending)
	if ticket <= event.cursor then
		if issued then
			return 'issued', 0, 0, ''
		end
		return 'winner', 0, 0, pending and read_pending(pending) or 'granted'
	end
	local ahead = ticket - 1 - event.cursor
	if event.granted - event.returned + ahead >= slots(event) then
		return 'standby', ahead, 0, ''
	end
	return 'waiting', ahead, event.pace and math.ceil((ahead + 1) / event.pace) or 0, ''
end

local LEFT_HOW = { waiting = 'left', granted = 'returned', issued = 'revoked', parked = 'revoked' }

local function rank_slice(keys, event, people, first, last, reply)
	local scores = redis.call('ZMSCORE', keys[2], unpack(people, first, last))
	local marks = redis.call('HMGET', key(keys, 'left'), unpack(people, first, last))
	local issued = redis.call('HMGET', key(keys, 'issued'), unpack(people, first, last))
	local pending = redis.call('HMGET', key(keys, 'pending'), unpack(people, first, last))
	local tell_ticket = ticket_teller(keys)
	for i = 1, last - first + 1 do
		local state, ticket, ahead, eta_s, detail = 'absent', 0, 0, 0, ''
		if scores[i] then
			ticket = tell_ticket(people[first + i - 1], scores[i] + 0)
			if marks[i] then
				local _, how = read_mark(marks[i])
				state, detail = 'left', LEFT_HOW[how]
			else
				state, ahead, eta_s, detail = place(event, ticket, issued[i], pending[i])
			end
		end
		local n = #reply
		reply[n + 1], reply[n + 2], reply[n + 3] = state, ticket, ahead
		reply[n + 4], reply[n + 5] = eta_s, detail
	end
end

local function rank(keys, people)
	local event = read(keys, {
		'stock', 'cursor', 'granted', 'returned', 'codes', 'codes_loaded', 'burnt',
	})
	if not event then
		return no_event()
	end
	event.pace = pace(keys)
	local reply = {}
	for first = 1, #people, SLICE do
		rank_slice(keys, event, people, first, math.min(first + SLICE - 1, #people), reply)
	end
	return reply
end

register('rank', rank, { 'no-writes' })
