-- What a run has delivered, or was refused for good, before anything of it goes out.
--
-- A ticket belongs to the run that assigned it last. Several may have it in hand at the same time, one
-- after the other in a pipe, or one that does not know yet that its partition is another's. Here it is
-- decided, once, who of them may do what (P3, P5):
--
--   assigned:A --assign by B--> assigned:B --assign by C, which delivers nothing--+
--        |                         |                                              v
--        +--- issued, by A or B ---+-------------------------------------> assigned --done--> issued
--                                  |
--                                  +--- dead letter, park by B -----------> parked:B
--
-- In a pipe who has delivered first decides: what is assigned without a run is on its way out, is not
-- given up any more, and whoever meets it prints it. Who was refused may give up what it has still. In
-- Kafka the transaction decides, and the owner alone goes on: another one's partition it is.

-- STATUS of a ticket with this value in `pending`, and the one that it is to have there.
local function confirm_one(keys, run, person, verdict, value)
	local state, place, rest, owner = read_pending(value or '')
	if state == 'parked' then
		return 'parked'
	elseif not state then
		return redis.call('HEXISTS', key(keys, 'issued'), person) == 1 and 'already' or 'refused'
	elseif place ~= NOWHERE or verdict == 'park' then
		return owner == run and 'assigned' or owner == '' and 'firm' or 'taken'
	end
	return 'assigned', pending_value('assigned', '', place, rest)
end

-- confirm ID RUN, then PERSON VERDICT a ticket that this run has assigned, SLICE at most -> STATUS a ticket, in order
-- VERDICT: issue (it was delivered), park (it was refused for good).
-- STATUS: assigned (go on: print it, or write its dead letter, then park it), firm (it cannot be given
-- up), taken (another run has it), already (issued by another), parked (given up by another), refused
-- (its slot was given back).
local function confirm(keys, args)
	local event = read(keys, {})
	if not event then
		return no_event()
	end
	local people, reply, firm = {}, {}, {}
	for i = 3, #args, 2 do
		people[#people + 1] = args[i]
	end
	local values = #people > 0 and redis.call('HMGET', key(keys, 'pending'), unpack(people))
	for n, person in ipairs(people) do
		local status, value = 'refused', nil
		if event.id == args[1] then
			status, value = confirm_one(keys, args[2], person, args[2 * n + 2], values[n])
		end
		reply[n] = status
		if value then
			firm[#firm + 1], firm[#firm + 2] = person, value
		end
	end
	if #firm > 0 then
		redis.call('HSET', key(keys, 'pending'), unpack(firm))
	end
	return reply
end

register('confirm', confirm)
