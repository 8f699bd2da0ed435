-- The pool: codes that somebody else made. Each one ever loaded stands in `loaded`, with the load and the
-- line it came from; those that no ticket has yet stand in `codes`, in order. So
--
--   codes_loaded = codes + pending + issued + burnt
--
-- and as grant takes care that granted - returned <= codes_loaded - burnt, each slot finds its code.

-- After a failover the ledger may know better which ticket has a code: LOAD is `ledger` then.

-- A code that no ticket has after all, unless the ledger has given it to one meanwhile.
local function put_back(keys, push, code)
	local from = redis.call('HGET', key(keys, 'loaded'), code)
	if not string.match(from or '', '^ledger:') then
		redis.call(push, key(keys, 'codes'), code)
	end
end

-- The ledger gives `code` to the ticket that had `other`.
local function follow_ledger(keys, code, other)
	put_back(keys, 'LPUSH', other)
	redis.call('LREM', key(keys, 'codes'), 1, code)
	if redis.call('HSET', key(keys, 'loaded'), code, 'ledger:0') == 1 then
		redis.call('HINCRBY', keys[1], 'codes_loaded', 1)
	end
end

-- The line of this load that a mark in `loaded` names, -1 where it is another load's.
local function line_of(mark, load)
	local from, line = string.match(mark, '^(.*):(%d+)$')
	return from == load and tonumber(line) or -1
end

-- load ID LOAD, then CODE LINE a code, at most SLICE of them -> a number a code, in order:
--   0 it is in the pool, -1 an earlier load had it, else the line of this load that it is the same as.
-- LOAD and LINE tell a call whose answer was lost from a code that comes twice.
local function load_codes(keys, args)
	local event = read(keys, {})
	if not event or event.id ~= args[1] then
		return no_event()
	end
	local reply, codes, fresh, marks = {}, {}, {}, {}
	for i = 3, #args, 2 do
		codes[#codes + 1] = args[i]
	end
	local known, seen = redis.call('HMGET', key(keys, 'loaded'), unpack(codes)), {}
	for i = 1, #codes do
		local here = args[2] .. ':' .. args[2 * i + 2]
		local there = known[i] or seen[codes[i]]
		if not there then
			fresh[#fresh + 1], seen[codes[i]] = codes[i], here
			marks[#marks + 1], marks[#marks + 2] = codes[i], here
		end
		reply[i] = (there or here) == here and 0 or line_of(there, args[2])
	end
	if #fresh > 0 then
		redis.call('HSET', key(keys, 'loaded'), unpack(marks))
		redis.call('RPUSH', key(keys, 'codes'), unpack(fresh))
		redis.call('HINCRBY', keys[1], 'codes_loaded', #fresh)
	end
	return reply
end

-- loaded ID WHO -> how many were ever loaded. Records what was loaded since the last such record.
local function loaded(keys, args)
	local event = read(keys, { 'codes_loaded', 'codes_logged' })
	if not event or event.id ~= args[1] then
		return no_event()
	end
	if event.codes_loaded ~= event.codes_logged then
		redis.call('HSET', keys[1], 'codes_logged', digits(event.codes_loaded))
		log(keys, event.id, now_us(), 'load', args[2], '', 0,
			'codes_loaded=' .. digits(event.codes_logged),
			'codes_loaded=' .. digits(event.codes_loaded))
	end
	return event.codes_loaded
end

-- pool FROM COUNT LEFT LOADED -> FROM LEFT LOADED, then CODE of up to COUNT of the pool from the FROM-th
--   on, counted from 0. The next page is asked for with the numbers of the last answer (at first 0), so
--   that codes taken from the front or put back there meanwhile move nothing.
local function pool(keys, args)
	local event = read(keys, { 'codes_loaded' })
	if not event then
		return no_event()
	end
	local left = redis.call('LLEN', key(keys, 'codes'))
	local taken = (event.codes_loaded - args[4]) - (left - args[3])
	local from = math.max(0, args[1] - taken)
	local reply = redis.call('LRANGE', key(keys, 'codes'), digits(from),
		digits(from + math.min(tonumber(args[2]), SLICE) - 1))
	local next_from = from + #reply
	table.insert(reply, 1, next_from)
	table.insert(reply, 2, left)
	table.insert(reply, 3, event.codes_loaded)
	return reply
end

register('load', load_codes)
register('loaded', loaded)
register('pool', pool, { 'no-writes' })
