"""The page for setting up, piece 8 of 8."""

TEXT = """  $('type').replaceChildren(el('option', { value: '', textContent: 'Choose one' }),
    ...all.map(t => el('option', { value: t, textContent: t.replaceAll('_', ' ') })))
  $('type').value = own || ''
  $('ct002').value = config.ct002 ? JSON.stringify(config.ct002, null, 1) : ''
  const rest = Object.keys(state.sections).filter(s => s !== 'wifi'), order = Object.keys(NAMES)
  $('more').replaceChildren(...rest.sort((a, b) => order.indexOf(a) - order.indexOf(b)).map(s => {
    const box = el('details', { id: s }, el('summary', { textContent: NAMES[s] || s }))
    fields(box, s, state.sections[s], config[s] || {})
    return box
  }))
  await kind(own, config.meter || {})
  $('type').onchange = () => kind($('type').value, $('type').value === own ? config.meter : {})
  $('save').disabled = false
}
$('form').onsubmit = save
$('scan').onclick = scan
load().then(() => {
  if (state.problem) said(state.problem, 'error')
  if (state.scan && state.setup) scan()
  document.body.dataset.ready = 1
}, e => said(e.message, 'error'))
</script></body></html>
"""
