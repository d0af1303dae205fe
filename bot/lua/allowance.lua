-- What OpenAI's last answers left of a model's limits, shared by all processes. Returns, as text, the seconds to wait for ask, else 0.
-- A request has a place until its answer tells what is left: that number cannot know those that are still on their way.
-- KEYS: limits, places, sizes
-- ARGV: 'ask' | 'told', who, tokens of the request, longest wait that gets a place or seconds that OpenAI named with a 429,
--   most requests a minute, requests left, seconds until all are back, most tokens a minute, tokens left, seconds until all are back ('' where not told)
local time = redis.call('TIME')
local now, seconds = time[1] + time[2] / 1000000, tonumber(ARGV[4])
local kept = redis.call('HMGET', KEYS[1], 'at', 'closed', 'newest', 'most1', 'left1', 'rate1', 'most2', 'left2', 'rate2')
local at, closed, newest = tonumber(kept[1] or now), tonumber(kept[2] or 0), tonumber(kept[3] or 0)
local most, left, rate = {tonumber(kept[4]), tonumber(kept[7])}, {tonumber(kept[5]), tonumber(kept[8])}, {tonumber(kept[6]), tonumber(kept[9])}
for n in pairs(most) do left[n] = math.min(most[n], left[n] + math.max(0, now - at) * rate[n]) end
for _, who in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - 120)) do -- its worker was killed, or its answer never came
  redis.call('ZREM', KEYS[2], who)
  redis.call('HDEL', KEYS[3], who)
end
local due, answer = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[2])), 0
if ARGV[1] == 'ask' then
  if not due then
    local wait, need = math.max(0, closed - now), {1, tonumber(ARGV[3])}
    for n in pairs(most) do
      need[n] = math.min(need[n], most[n])
      wait = math.max(wait, (need[n] - left[n]) / rate[n])
    end
    if wait > seconds then return tostring(wait) end
    for n in pairs(most) do left[n] = left[n] - need[n] end -- below zero: a place in the line
    due = now + wait
    redis.call('ZADD', KEYS[2], string.format('%.6f', due), ARGV[2])
    redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
  end
  answer = math.max(0, math.max(due, closed) - now)
else
  redis.call('ZREM', KEYS[2], ARGV[2])
  redis.call('HDEL', KEYS[3], ARGV[2])
  local away = {redis.call('HLEN', KEYS[3]), 0}
  for _, size in ipairs(redis.call('HVALS', KEYS[3])) do away[2] = away[2] + size end
  for n = 1, 2 do
    local limit, remaining, reset = tonumber(ARGV[2 + 3 * n]), tonumber(ARGV[3 + 3 * n]), tonumber(ARGV[4 + 3 * n])
    if limit and limit > 0 and remaining then
      local seen = remaining - away[n]
      -- An answer that was overtaken knows less than those before it: it may lower what is left, not raise it.
      left[n] = (not left[n] or (due or 0) >= newest) and seen or math.min(left[n], seen)
      most[n], rate[n] = limit, limit / 60
      if reset and reset > 0 and remaining < limit then rate[n] = math.min(rate[n], (limit - remaining) / reset) end -- a limit a day
    end
  end
  newest = math.max(newest, due or 0)
  if seconds > 0 then closed = math.max(closed, now + seconds) end
end
local fields = {'at', string.format('%.6f', now), 'closed', string.format('%.6f', closed), 'newest', string.format('%.6f', newest)}
for n in pairs(most) do
  for name, value in pairs({most = most[n], left = left[n], rate = rate[n]}) do
    fields[#fields + 1] = name .. n
    fields[#fields + 1] = string.format('%.6f', value)
  end
end
redis.call('HSET', KEYS[1], unpack(fields))
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, 3600) end
return tostring(answer)
