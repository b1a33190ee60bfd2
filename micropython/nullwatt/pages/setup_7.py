"""The page for setting up, piece 7 of 8."""

TEXT = """
async function back(tries) {
  for (let n = 0; n < tries; n++) {
    await new Promise(done => setTimeout(done, 1500))
    try {
      const answer = await fetch('/api/status', { signal: AbortSignal.timeout(3000) })
      const s = (await answer.json()).state
      if (s.uptime < 30) return location.assign('/')
    } catch (e) { /* not yet */ }
  }
  said('Saved. Find the board in your network: http://' + name() + '.local', 'good')
}
const name = () => document.querySelector('[data-path="wifi.hostname"] input').value || 'nullwatt'
async function save(event) {
  event.preventDefault()
  mark('')
  $('save').disabled = true
  said('Saving\u2026')
  try {
    const answer = await ask('/api/config', collect())
    if (answer.forgotten.length) {
      said('Saved, but the address has changed: type again ' + answer.forgotten.join(', '), 'error')
      await load()
      return
    }
    said('Saved. The board restarts\u2026', 'good')
    await ask('/api/restart', {})
    await back(20)
  } catch (e) {
    said(mark(e.message) ? 'Not saved, see above.' : e.message, 'error')
  }
  $('save').disabled = false
}
async function load() {
  state = await ask('/api/config')
  const config = state.config
  $('wifi').querySelectorAll('label').forEach(e => e.remove())
  fields($('wifi'), 'wifi', state.sections.wifi, config.wifi || {})
  $('scanner').hidden = $('wifi').hidden = !state.scan
  $('back').hidden = state.setup
  const own = (config.meter || {}).type, known = state.meters
  const all = own && !known.includes(own) ? [...known, own] : known
"""
