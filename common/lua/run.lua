-- Run records, and who issues an event alone. A record is a JSON object, and stays text here: Lua's
-- numbers would not keep its microseconds.

local STALE_US = 60000000

local function is_running(record)
	return string.find(record, '"status":"running"', 1, true)
end

-- The records of runs that were killed.
local function abandon(runs, records, before_us)
	for i = 1, #records do
		local heard_us = tonumber(string.match(records[i], '"ended_us":(%d+)'))
		if is_running(records[i]) and heard_us < before_us then
			redis.call('LSET', runs, i - 1, (string.gsub(records[i],
				'"status":"running"', '"status":"abandoned"', 1)))
		end
	end
end

-- run ID RECORD [STALE_US] -> 1 kept, 0 the event has another id by now
-- A record takes the place of the same run's former one. While it is running, ended_us is the server's
-- time, when it was last heard of; with a new run's first record, those that are running and were not
-- heard of for STALE_US are abandoned.
local function run(keys, args)
	if redis.call('HGET', keys[1], 'id') ~= args[1] then
		return 0
	end
	local runs, record, now = key(keys, 'runs'), args[2], now_us()
	if is_running(record) then
		record = string.gsub(record, '"ended_us":%d+', '"ended_us":' .. digits(now), 1)
	end
	local name = string.match(record, '"run":"[^"]*"')
	local records = redis.call('LRANGE', runs, 0, -1)
	for i = #records, 1, -1 do
		if string.find(records[i], name, 1, true) then
			redis.call('LSET', runs, i - 1, record)
			return 1
		end
	end
	abandon(runs, records, now - (tonumber(args[3]) or STALE_US))
	redis.call('RPUSH', runs, record)
	redis.call('LTRIM', runs, -RUNS_KEPT, -1)
	return 1
end

-- job RUN HOST TTL_MS -> {'held'} | {'busy', the other's host, ms left}
-- The run, and no other, issues this event for so long. Its holder repeats it.
local function job(keys, args)
	if not redis.call('HGET', keys[1], 'id') then
		return no_event()
	end
	local holder = redis.call('GET', key(keys, 'job'))
	local run_id, host = string.match(holder or '', '^(%S+) (.*)$')
	if run_id and run_id ~= args[1] then
		return { 'busy', host, math.max(0, redis.call('PTTL', key(keys, 'job'))) }
	end
	redis.call('SET', key(keys, 'job'), args[1] .. ' ' .. args[2], 'PX', args[3])
	return { 'held' }
end

-- free RUN -> 1 released, 0 it was not held
local function free(keys, args)
	local holder = redis.call('GET', key(keys, 'job')) or ''
	if string.match(holder, '^%S+') ~= args[1] then
		return 0
	end
	return redis.call('DEL', key(keys, 'job'))
end

register('run', run)
register('job', job)
register('free', free)
