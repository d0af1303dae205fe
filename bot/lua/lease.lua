-- Turns a pending entry into a lease. Returns nil when there is nothing to do or the entry is another worker's;
-- else {epoch, resumed, the thread's fields, the turn's fields, messages}; or a number: the ms until what is being said has settled.
-- KEYS: ready, thread, waiting, messages, turn, lanes
-- ARGV: group, worker, entry, thread name, most messages, most bytes, settle ms, 'said key prefix', 'answered key prefix', answered seconds
local mine = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])
if #mine == 0 then return nil end
feed(KEYS[6], KEYS[1]) -- into the place of what was read
local resumed = redis.call('EXISTS', KEYS[5])
if resumed == 0 then
  local time, said = redis.call('TIME'), tonumber(redis.call('HGET', KEYS[2], 'put_at') or 0)
  local left = said + tonumber(ARGV[7]) - (time[1] * 1000 + math.floor(time[2] / 1000))
  if left > 0 and ARGV[7] ~= '0' then return left end
  -- One turn has one asker: its tools act with that person's rights. And one purpose: to answer, to answer again, or to take back.
  local list, bytes, whose, asker, kind, of = {}, 0, nil, '', '', ''
  for _, ts in ipairs(redis.call('ZRANGE', KEYS[3], 0, ARGV[5] - 1)) do
    local message = redis.call('HGET', KEYS[4], ts) or '{}'
    local readable, fields = pcall(cjson.decode, message)
    if not readable then fields = {} end
    local who = table.concat({fields.user or '', fields.kind or '', fields.of or ''}, ' ')
    bytes = bytes + #message
    if #list > 0 and (who ~= whose or kind ~= 'again' and bytes > tonumber(ARGV[6])) then break end
    whose, asker, kind, of = who, fields.user or '', fields.kind or '', fields.of or ''
    list[#list + 1] = ts
  end
  if #list == 0 then
    redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
    redis.call('XDEL', KEYS[1], ARGV[3])
    redis.call('HSET', KEYS[2], 'state', 'idle')
    taken(KEYS[6], ARGV[4])
    leave(KEYS[6], ARGV[4])
    feed(KEYS[6], KEYS[1])
    return nil
  end
  redis.call('ZREM', KEYS[3], unpack(list))
  redis.call('HSET', KEYS[5], 'messages', table.concat(list, ' '), 'asker', asker, 'kind', kind, 'of', of, 'posting', '0')
  for _, field in ipairs({'others', 'heard_files'}) do -- what others said meanwhile is this turn's to know
    local held = redis.call('HGET', KEYS[2], field)
    if held then redis.call('HSET', KEYS[5], field, held) end
    redis.call('HDEL', KEYS[2], field)
  end
  local texts = {}
  for _, ts in ipairs(list) do
    redis.call('SET', ARGV[8] .. ts, list[1], 'XX', 'KEEPTTL')
    texts[#texts + 1] = redis.call('HGET', KEYS[4], ts) or nil
  end
  if kind ~= 'gone' and kind ~= 'act' then -- from now on it can be had again
    redis.call('SET', ARGV[9] .. list[1], '[' .. table.concat(texts, ',') .. ']', 'EX', ARGV[10])
  end
end
taken(KEYS[6], ARGV[4])
redis.call('HSET', KEYS[2], 'state', 'running', 'entry', ARGV[3])
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID') -- young from now on
local epoch = redis.call('HINCRBY', KEYS[2], 'epoch', 1)
redis.call('HINCRBY', KEYS[5], 'leases', 1) -- a turn that kills its workers is given up some day
local turn = redis.call('HGETALL', KEYS[5])
local texts = {}
for ts in string.gmatch(redis.call('HGET', KEYS[5], 'messages'), '%S+') do
  texts[#texts + 1] = redis.call('HGET', KEYS[4], ts) or ''
end
return {epoch, resumed, redis.call('HGETALL', KEYS[2]), turn, texts}
