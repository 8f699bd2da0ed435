-- What cannot be issued for good is parked: its code is kept, and its slot, until an operator revokes it
-- or sends its dead letter again.

-- Of a ticket in a pipe who has it knows its run; in Kafka the place, whose offset is committed.
local function is_its_own(run, owner, place)
	return place ~= NOWHERE or owner == run
end

-- park ID RUN, then PERSON PARTITION OFFSET a ticket -> how many are parked by now
--   of those that are still where the record stood that died: one that was sent again since, and is
--   being issued from elsewhere, stays; so does what another run in a pipe has taken over meanwhile,
--   and what is on its way out. Only once the dead letter is out.
local function park(keys, args)
	local event = read(keys, {})
	if not event then
		return no_event()
	elseif event.id ~= args[1] then
		return 0
	end
	local parked, fresh = 0, 0
	for i = 3, #args, 3 do
		local state, place, rest, owner = pending_of(keys, args[i])
		if place == args[i + 1] .. ' ' .. args[i + 2] and is_its_own(args[2], owner, place) then
			redis.call('HSET', key(keys, 'pending'), args[i],
				pending_value('parked', args[2], place, rest))
			parked = parked + 1
			fresh = fresh + (state == 'assigned' and 1 or 0)
		end
	end
	redis.call('HINCRBY', keys[1], 'parked', fresh)
	return parked
end

-- parked SCAN RUN -> SCAN, then the people whose tickets this run has parked ('': any run)
--   A part at a time: from SCAN 0 on until it is 0 again.
local function parked(keys, args)
	if not read(keys, {}) then
		return no_event()
	end
	local scan = redis.call('HSCAN', key(keys, 'pending'), args[1], 'COUNT', SLICE)
	local reply = { tonumber(scan[1]) }
	for i = 1, #scan[2], 2 do
		local state, _, _, run = read_pending(scan[2][i + 1])
		if state == 'parked' and (args[2] == '' or args[2] == run) then
			reply[#reply + 1] = scan[2][i]
		end
	end
	return reply
end

register('park', park)
register('parked', parked, { 'no-writes' })
