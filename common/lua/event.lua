-- create ID AS_GIVEN WHO FIELD VALUE... -> {'created', id} | {'same', id} | {'differs', as given then}
-- Settings are written once; creating again never reloads the stock. What was given may be relative to
-- the moment (+10m), so the times are logged as they were set.
local function create(keys, args)
	local there = redis.call('HMGET', keys[1], 'id', 'as_given')
	if there[1] == args[1] then
		return { 'created', args[1] } -- by this very call: its answer was lost
	elseif there[1] then
		return there[2] == args[2] and { 'same', there[1] } or { 'differs', there[2] }
	end
	local now = now_us()
	-- A small hash is searched from its beginning: what every join reads comes first.
	local fields = { 'id', args[1], 'state', 'open' }
	for i = 4, #args do
		fields[#fields + 1] = args[i]
	end
	for _, counter in ipairs({
		'left', 'returned', 'joined', 'already', 'granted', 'issued', 'parked', 'revoked', 'burnt',
		'refused_soldout', 'refused_early', 'refused_closed', 'refused_paused',
		'refused_left', 'cursor', 'settled', 'epoch', 'seq', 'published_requests',
		'published_winners', 'published_seq', 'codes_loaded', 'codes_logged', 'pass_us',
	}) do
		fields[#fields + 1] = counter
		fields[#fields + 1] = '0'
	end
	for _, word in ipairs({ 'as_given', args[2], 'created_us', digits(now), 'bus', '' }) do
		fields[#fields + 1] = word
	end
	redis.call('HSET', keys[1], unpack(fields))
	log(keys, args[1], now, 'create', args[3], '', 0, '', args[2])
	for i = 4, #args, 2 do
		local name, value = args[i], args[i + 1]
		if string.sub(name, -3) == '_us' and value ~= '0' then
			log(keys, args[1], now, 'set', args[3], '', 0, name .. '=0', name .. '=' .. value)
		end
	end
	return { 'created', args[1] }
end

-- set WHO FIELD VALUE... -> {'set'} | {'granted', n}: stock cannot go below the n slots granted
--   | {'times', 0}: it would close before it opens
local function set(keys, args)
	local event = read(keys, { 'granted', 'returned', 'stock', 'opens_us', 'closes_us' })
	if not event then
		return no_event()
	end
	for i = 2, #args, 2 do
		event[args[i]] = tonumber(args[i + 1])
	end
	if event.stock < event.granted - event.returned then
		return { 'granted', event.granted - event.returned }
	elseif event.closes_us > 0 and event.closes_us <= event.opens_us then
		return { 'times', 0 }
	end
	local now = now_us()
	for i = 2, #args, 2 do
		local name, after = args[i], args[i + 1]
		local before = redis.call('HGET', keys[1], name) or ''
		if before ~= after then
			redis.call('HSET', keys[1], name, after)
			if name == 'state' then
				redis.call('HSET', keys[1], 'state_us', digits(now))
			end
			log(keys, event.id, now, 'set', args[1], '', 0, name .. '=' .. before,
				name .. '=' .. after)
		end
	end
	return { 'set' }
end

-- Which of the event's keys cannot be read, and why: somebody else's may be in its place.
local function unreadable(keys)
	for _, one in ipairs(EVENT_KEYS) do
		local size = one[2] and redis.pcall(one[2], key(keys, one[1]))
		if type(size) == 'table' then
			return redis.error_reply(size.err .. ": '" .. one[1] .. "'")
		end
	end
end

-- show -> NAME VALUE ...: the stored fields, then what is derived from the other keys
local function show(keys)
	local wrong = unreadable(keys)
	local event = not wrong and read_to_tell(keys, { 'state', 'opens_us', 'closes_us', 'parked' })
	if not event then
		return wrong or no_event()
	end
	local reply = redis.call('HGETALL', keys[1])
	local function add(name, value)
		reply[#reply + 1] = name
		reply[#reply + 1] = tostring(value)
	end
	local function score(at)
		return redis.call('ZRANGE', keys[2], at, at, 'WITHSCORES')[2] or '0'
	end
	local lease, now = key(keys, 'lease'), now_us()
	add('now_us', digits(now))
	add('door', door(event, now) or 'open')
	add('in_line', redis.call('ZCARD', keys[2]))
	add('assigned_now', redis.call('HLEN', key(keys, 'pending')) - event.parked)
	add('issued_now', redis.call('HLEN', key(keys, 'issued')))
	add('codes_left', redis.call('LLEN', key(keys, 'codes')))
	add('lease', redis.call('GET', lease) or '')
	add('lease_ms', math.max(0, redis.call('PTTL', lease)))
	add('first_joined_us', score(0))
	add('last_joined_us', score(-1))
	return reply
end

register('create', create)
register('set', set)
register('show', show, { 'no-writes' })
