"""The page of what is going on, in pieces of at most about 2 kB: a board rarely has more memory in one place."""

TEXT = (
    """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>nullwatt</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">
<style>
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#16202c;--dim:#5d6b7a;--line:#dfe4ea;--in:#b3420c;
--out:#0b7a5c;--accent:#1f6feb;--bad:#b42318}
@media(prefers-color-scheme:dark){:root{--bg:#0f141a;--card:#182029;--ink:#e8edf3;--dim:#93a1b0;--line:#2a3541;
--in:#f2945c;--out:#43c59e;--accent:#6ea8fe;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.45 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:1rem}
header{display:flex;align-items:center;gap:.6rem;margin:.2rem 0 1rem}
h1{font-size:1.15rem;margin:0}h1+small{flex:1}
h2{font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;color:var(--dim);margin:0 0 .6rem;font-weight:600}
small,.dim{color:var(--dim)}a{color:var(--accent)}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem;margin-bottom:1rem}
.big{font-size:2.6rem;font-weight:650;line-height:1.1;font-variant-numeric:tabular-nums}
.row{display:flex;gap:.5rem;align-items:baseline}.row>:last-child{margin-left:auto}#phases{margin-top:.7rem}
.name{display:flex;gap:.2rem .5rem;align-items:center;flex-wrap:wrap}
</style>""",
    """<style>
.num{font-variant-numeric:tabular-nums;white-space:nowrap}
.import{color:var(--in)}.export{color:var(--out)}
.bar{position:relative;height:10px;border-radius:5px;background:var(--line);margin:.3rem 0 .7rem;overflow:hidden}
.bar i{position:absolute;top:0;bottom:0;transition:left .4s,width .4s}
.bar .mid{left:50%;width:1px;background:var(--dim)}.bar .want{width:3px;margin-left:-1px;background:var(--ink)}
.chip{font-size:.75rem;border:1px solid var(--line);border-radius:9px;padding:0 .45rem;color:var(--dim)}
.chip.warn{color:var(--bad);border-color:currentColor}
.cap{display:flex;justify-content:space-between;gap:.3rem 1rem;flex-wrap:wrap;font-size:.78rem;color:var(--dim)}
dl{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1rem;margin:0}dt{color:var(--dim)}
dd{margin:0;text-align:right;overflow-wrap:anywhere}
.bat+.bat{border-top:1px solid var(--line);padding-top:.7rem;margin-top:.2rem}
pre{margin:0;font:12px/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;max-height:16rem;
overflow:auto}
#gone{background:var(--bad);color:var(--card);border:0}[hidden]{display:none!important}
</style></head><body><main>
<header><h1 id="name">nullwatt</h1><small id="version"></small><a href="/setup">Set up</a></header>
<section id="gone" hidden role="alert">The board does not answer. Numbers are old.</section>
<section><h2>Grid</h2><div class="row"><span class="big num" id="grid">&ndash;</span><span id="side" class="dim"></span>
</div><div id="phases"></div><div class="cap" id="flow"></div></section>
<section><h2>Batteries</h2><div id="batteries"></div></section>
<section><h2>Meter and board</h2><dl id="facts"></dl></section>
<section><h2>Log</h2><pre id="log" tabindex="0"></pre></section>
</main><script>
""",
    """
const $ = id => document.getElementById(id)
const number = w => Math.round(w).toLocaleString().replace(/^-(?=0$)/, '').replace('-', '\u2212')
const watts = w => w === undefined ? '\u2013' : number(w) + ' W'
const side = w => w > 0 ? 'import' : w < 0 ? 'export' : ''
function el(tag, kind, text, ...inside) {
  const e = document.createElement(tag)
  if (kind) e.className = kind
  if (text !== undefined) e.textContent = text
  e.append(...inside)
  return e
}
function bar(w, most, colour, want) {
  const at = v => 50 + 50 * Math.max(-1, Math.min(1, v / most))
  const b = el('div', 'bar'), i = el('i')
  i.style.left = Math.min(50, at(w)) + '%'
  i.style.width = Math.abs(at(w) - 50) + '%'
  i.style.background = colour
  b.append(i, el('i', 'mid'))
  if (want !== undefined) {
    const t = el('i', 'want')
    t.style.left = at(want) + '%'
    t.title = 'wanted: ' + watts(want)
    b.append(t)
  }
  return b
}
const scale = all => [800, 1200, 2500, 5000, 10000, 20000, 50000].find(s => all.every(v => Math.abs(v) <= s)) || 1e5
function span(s) {
  const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60
  return d ? d + ' d ' + h + ' h' : h ? h + ' h ' + m + ' min' : m ? m + ' min ' + s % 60 + ' s' : s + ' s'
}
""",
    """
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
""",
    """
function show(all) {
  const s = all.state, total = s.grid_total
  document.title = (total === undefined ? '' : watts(total) + ' \u00b7 ') + all.name
  $('name').textContent = all.name
  $('version').textContent = all.version
  $('grid').textContent = total === undefined ? '\u2013' : watts(Math.abs(total))
  $('grid').className = 'big num ' + side(Math.round(total))
  $('side').textContent = total === undefined ? 'no reading' : Math.abs(total) < .5 ? 'balanced' :
    total > 0 ? 'from the grid' : 'into the grid'
  const phases = s.grid || [], most = scale(phases)
  $('phases').replaceChildren(...(phases.length > 1 ? phases.flatMap((w, n) => [
    el('div', 'row', undefined, el('span', 'dim', 'L' + (n + 1)), el('span', 'num ' + side(w), watts(w))),
    bar(w, most, w > 0 ? 'var(--in)' : 'var(--out)')]) : []))
  $('flow').replaceChildren(
    el('span', '', s.demand === undefined ? '' : 'The house needs ' + watts(s.demand)),
    el('span', '', s.pool_size ? 'batteries give ' + watts(s.pool_output) : ''))
  const powers = all.batteries.flatMap(b => [b.power || 0, b.target || 0])
  $('batteries').replaceChildren(...(all.batteries.length ? all.batteries.map(b => battery(b, scale(powers))) :
    [el('p', 'dim', 'None has asked yet. Set the meter of the battery to CT002, on the network of this board.')]))
  $('facts').replaceChildren(...facts(s, all.links).flatMap(([k, v]) => [el('dt', '', k), el('dd', 'num', v)]))
  $('facts').querySelectorAll('dd').forEach(d => { d.style.whiteSpace = 'normal' })
  const log = $('log'), stay = log.scrollTop + log.clientHeight < log.scrollHeight - 8 && log.textContent
  log.textContent = all.log.map(l => l.trim()).join('\\n')
  if (!stay) log.scrollTop = log.scrollHeight
}
async function look() {
  if (!document.hidden) try {
    const answer = await fetch('/api/status', { signal: AbortSignal.timeout(8000) })
    if (!answer.ok) throw answer.status
    show(await answer.json())
    $('gone').hidden = true
    document.body.dataset.ready = 1
  } catch (e) { $('gone').hidden = false }
  setTimeout(look, 2000)
}
look()
</script></body></html>
""",
)
