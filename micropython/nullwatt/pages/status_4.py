"""The page of what is going on, piece 4 of 5."""

TEXT = """
function battery(b, most) {
  const name = el('strong', '', b.type || 'Battery'), line = el('div', 'name', undefined, name)
  if (b.phase) line.append(el('span', 'chip', b.phase === '0' ? 'inspecting' : 'phase ' + b.phase))
  if (b.online === false) line.append(el('span', 'chip warn', 'silent'))
  if (b.parked) line.append(el('span', 'chip', 'resting'))
  if (b.saturation > .4) line.append(el('span', 'chip warn', 'cannot deliver more'))
  if (b.in_pool === false && b.online !== false) line.append(el('span', 'chip', 'not steered'))
  const way = b.power > 5 ? 'discharging' : b.power < -5 ? 'charging' : 'idle'
  const foot = el('div', 'cap', undefined, el('span', '', b.mac + ' \u00b7 ' + way),
    el('span', 'num', b.target === undefined ? '' : 'wanted ' + watts(b.target)))
  const box = el('div', 'bat', undefined, el('div', 'row', undefined, line, el('strong', 'num', watts(b.power))), foot)
  if (b.confidence !== undefined) box.title = 'trust in the model of it: ' + Math.round(b.confidence * 100) + ' %'
  box.append(bar(b.power || 0, most, b.power < 0 ? 'var(--accent)' : 'var(--out)', b.target))
  box.dataset.mac = b.mac
  return box
}
function facts(s, links) {
  const list = []
  list.push(['Meter', s.meter_error ? s.meter_error : s.grid ? 'reading' : 'no reading yet'])
  if (s.grid_age !== undefined) list.push(['Latest reading', s.grid_age.toFixed(1) + ' s ago'])
  if (s.replies !== undefined) list.push(['Polls answered', s.replies.toLocaleString()])
  if (s.drops) list.push(['Datagrams not answered', s.drops.toLocaleString()])
  if (links.wifi) list.push(['Wi-Fi', !links.wifi.address ? 'not connected' :
    links.wifi.address + (links.wifi.rssi !== undefined ? ', ' + links.wifi.rssi + ' dBm' : '')])
  if (links.mqtt) list.push(['MQTT', links.mqtt.connected ? 'connected' : links.mqtt.error || 'connecting'])
  if (s.heap_free !== undefined) list.push(['Free memory', Math.round(s.heap_free / 1024).toLocaleString() + ' kB'])
  list.push(['Running for', span(s.uptime)])
  return list
}
"""
