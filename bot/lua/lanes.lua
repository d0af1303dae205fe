-- Fairness. Before the ready stream each channel has a lane, where its threads wait in line; workspaces take turns, and in each its channels do.
-- This text stands before every script that makes a thread ready, takes one or ends its turn; before it stand GROUP, WINDOW and LANE_TURNS
-- (bot/queue.py). `lanes` below is the ring of workspaces, and a `lane` is <team>:<channel>. Both rings are zsets: the lowest is next.

local function now_ms() -- with its fraction: many threads come in one millisecond
  local time = redis.call('TIME')
  return time[1] * 1000 + time[2] / 1000
end

local function to_end(ring, member)
  local last = redis.call('ZRANGE', ring, -1, -1, 'WITHSCORES')
  redis.call('ZADD', ring, 'NX', (last[2] or 0) + 1, member)
end

local function lane_of(thread) return string.match(thread, '^[^:]*:[^:]*') end

-- Gives a lane its place in the rings, if somebody waits in it and it may run one more. Again and again does no harm.
local function offer(lanes, lane)
  if redis.call('EXISTS', lanes .. ':line:' .. lane) == 0 then return end
  if redis.call('SCARD', lanes .. ':busy:' .. lane) >= LANE_TURNS then return end
  local team = string.match(lane, '^[^:]*')
  to_end(lanes .. ':ring:' .. team, lane)
  to_end(lanes, team)
end

-- A thread has work: it goes to the end of its lane. One whose turn has begun goes to the front; its asker need not be told that it waits.
local function enter(lanes, thread, begun)
  local lane, now = lane_of(thread), now_ms()
  redis.call('ZADD', lanes .. ':since', 'NX', now, thread)
  if not begun then redis.call('ZADD', lanes .. ':untold', 'NX', now, thread) end
  redis.call(begun and 'LPUSH' or 'RPUSH', lanes .. ':line:' .. lane, thread)
  redis.call('SADD', lanes .. ':waiting', lane)
  offer(lanes, lane)
end

-- A turn that another worker is to go on with at once: it keeps its place among those that run.
local function pass_on(lanes, ready, thread)
  redis.call('ZADD', lanes .. ':since', 'NX', now_ms(), thread)
  redis.call('SADD', lanes .. ':busy:' .. lane_of(thread), thread)
  redis.call('XADD', ready, '*', 'thread', thread)
end

-- A worker has it, or it turned out to have no work.
local function taken(lanes, thread)
  redis.call('ZREM', lanes .. ':since', thread)
  redis.call('ZREM', lanes .. ':untold', thread)
end

-- Its entry has left the ready stream: the lane may run another.
local function leave(lanes, thread)
  local lane = lane_of(thread)
  redis.call('SREM', lanes .. ':busy:' .. lane, thread)
  offer(lanes, lane)
end

-- Moves threads into the ready stream while fewer than WINDOW stand there that no worker has read.
local function feed(lanes, ready)
  if redis.call('EXISTS', lanes) == 0 then return end
  local pending = redis.pcall('XPENDING', ready, GROUP)
  if pending.err then -- no worker has opened the queue yet, or Redis has lost it
    redis.call('XGROUP', 'CREATE', ready, GROUP, '0', 'MKSTREAM')
    pending = { 0 }
  end
  local free = WINDOW - (redis.call('XLEN', ready) - pending[1])
  while free > 0 do
    local team = redis.call('ZPOPMIN', lanes)[1]
    if not team then return end
    local ring = lanes .. ':ring:' .. team
    local lane = redis.call('ZPOPMIN', ring)[1]
    local thread = lane and redis.call('LPOP', lanes .. ':line:' .. lane)
    if thread then
      redis.call('SADD', lanes .. ':busy:' .. lane, thread)
      redis.call('XADD', ready, '*', 'thread', thread)
      free = free - 1
      if redis.call('EXISTS', lanes .. ':line:' .. lane) == 0 then redis.call('SREM', lanes .. ':waiting', lane) end
      offer(lanes, lane)
    end
    if redis.call('EXISTS', ring) == 1 then to_end(lanes, team) end
  end
end

-- Puts messages back where they wait, and gives their thread its place if it rests. `given` holds ts, message JSON, … from its n-th member on.
local function put_back(lanes, ready, thread, key, waiting, messages, given, n)
  for i = n, #given, 2 do
    redis.call('ZADD', waiting, given[i], given[i])
    redis.call('HSET', messages, given[i], given[i + 1])
  end
  if (redis.call('HGET', key, 'state') or 'idle') == 'idle' then
    enter(lanes, thread)
    redis.call('HSET', key, 'state', 'ready')
    feed(lanes, ready)
  end
end

