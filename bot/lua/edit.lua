-- Changes a message that still waits: replaces its text, or forgets it. Returns 'changed', else '' or, where its turn has begun, the ts of the
-- turn's first message.
-- One that has not come yet (events overtake each other, and a redelivery brings the old text) is changed when it comes, if it is for the bot.
-- KEYS: waiting, messages, said, thread, early
-- ARGV: ts, 'replace' | 'cancel', new text, is for the bot (0/1), seconds to keep it for
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  local said = redis.call('GET', KEYS[3])
  if said then return said == '1' and '' or said end
  if ARGV[4] == '1' or redis.call('EXISTS', KEYS[4]) == 1 then
    redis.call('SET', KEYS[5], ARGV[2] .. ':' .. ARGV[3], 'EX', ARGV[5])
  end
  return ''
end
local readable, message = pcall(cjson.decode, redis.call('HGET', KEYS[2], ARGV[1]) or '')
if ARGV[2] == 'cancel' and readable and message.kind == 'again' then return redis.call('GET', KEYS[3]) or '' end -- it was answered once
if ARGV[2] == 'cancel' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
elseif readable then
  -- Not decoded whole: cjson would turn an empty list of files into an object.
  message.text = ARGV[3]
  local files = message.files
  message.files = nil
  local json = cjson.encode(message)
  local list = (#files == 0) and '[]' or cjson.encode(files)
  redis.call('HSET', KEYS[2], ARGV[1], string.sub(json, 1, -2) .. ',"files":' .. list .. '}')
end
return 'changed'
