-- Stores a message once and schedules its thread; one that is not meant for the bot is counted where the bot knows its thread. Returns stored | duplicate | merged | ignored | cancelled (deleted before it came).
-- KEYS: event, said, thread, waiting, messages, ready, early, lanes
-- ARGV: thread name, ts, message JSON, user, is follow-up (0/1), starts thread (0/1), event seconds, said seconds, thread seconds
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('EXPIRE', KEYS[1], ARGV[7]) -- a write, so that WAIT waits for the first delivery as well
  return 'duplicate'
end
if ARGV[5] == '1' and redis.call('HGET', KEYS[3], 'starter') ~= ARGV[4] then
  if redis.call('EXISTS', KEYS[3]) == 1 then -- a thread that the bot is in: its next turn learns that others have spoken, and takes their files
    redis.call('SET', KEYS[1], '1', 'EX', ARGV[7]) -- a redelivery counts no second time
    redis.call('HINCRBY', KEYS[3], 'others', 1)
    local files = cjson.decode(ARGV[3]).files
    local heard = cjson.decode(redis.call('HGET', KEYS[3], 'heard_files') or '[]')
    for _, file in ipairs(files) do
      if #heard < 30 then heard[#heard + 1] = file end
    end
    if #files > 0 then redis.call('HSET', KEYS[3], 'heard_files', cjson.encode(heard)) end
  end
  return 'ignored'
end
redis.call('SET', KEYS[1], '1', 'EX', ARGV[7])
if not redis.call('SET', KEYS[2], '1', 'EX', ARGV[8], 'NX') then
  -- The twin: the same message as another event. It starts nothing, but brings the files that the first may lack.
  local first = redis.call('HGET', KEYS[5], ARGV[2])
  if not first then return 'duplicate' end
  local old, new = cjson.decode(first), cjson.decode(ARGV[3])
  if #old.files > 0 or #new.files == 0 then return 'duplicate' end
  old.files = new.files
  redis.call('HSET', KEYS[5], ARGV[2], cjson.encode(old))
  return 'merged'
end
if ARGV[6] == '1' then redis.call('HSETNX', KEYS[3], 'starter', ARGV[4]) end
local message, early = ARGV[3], redis.call('GET', KEYS[7])
if early == 'cancel:' then return 'cancelled' end
if early then
  local decoded = cjson.decode(message)
  local files = (#decoded.files == 0) and '[]' or cjson.encode(decoded.files)
  decoded.files, decoded.text = nil, string.sub(early, #'replace:' + 1)
  message = string.sub(cjson.encode(decoded), 1, -2) .. ',"files":' .. files .. '}'
end
redis.call('HSET', KEYS[5], ARGV[2], message)
redis.call('ZADD', KEYS[4], ARGV[2], ARGV[2])
redis.call('HSET', KEYS[3], 'put_at', math.floor(now_ms()))
if (redis.call('HGET', KEYS[3], 'state') or 'idle') == 'idle' then
  enter(KEYS[8], ARGV[1])
  redis.call('HSET', KEYS[3], 'state', 'ready')
end
feed(KEYS[8], KEYS[6])
for i = 3, 5 do redis.call('EXPIRE', KEYS[i], ARGV[9]) end
return 'stored'
