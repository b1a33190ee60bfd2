"""The page of what is going on, piece 5 of 5."""

TEXT = """
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
"""
