-- Changes a message that still waits: replaces its text, or forgets it. Returns 1 if it waited.
-- KEYS: waiting, messages. ARGV: ts, 'replace' | 'cancel', new text
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
if ARGV[2] == 'cancel' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  -- Not decoded whole: cjson would turn an empty list of files into an object.
  local message = cjson.decode(redis.call('HGET', KEYS[2], ARGV[1]))
  message.text = ARGV[3]
  local files = message.files
  message.files = nil
  local json = cjson.encode(message)
  local list = (#files == 0) and '[]' or cjson.encode(files)
  redis.call('HSET', KEYS[2], ARGV[1], string.sub(json, 1, -2) .. ',"files":' .. list .. '}')
end
return 1
