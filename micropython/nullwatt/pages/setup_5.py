"""The page for setting up, piece 5 of 8."""

TEXT = """
function read(box, section, keys) {
  const found = {}
  for (const input of box.querySelectorAll('[data-key]')) {
    const name = input.dataset.key, k = keys[name], path = section + '.' + name
    const had = (state.config[section] || {})[name] !== undefined
    if (k.kind === 'bool') {
      if (input.checked !== (k.default ?? false) || had) found[name] = input.checked
      continue
    }
    const text = k.secret ? input.value : input.value.trim()
    if (text === '' || k.choices && text === k.default && !had) continue
    if (k.kind === 'int' || k.kind === 'float') {
      found[name] = Number(text.replace(',', '.'))
      if (!Number.isFinite(found[name])) fail(path, text + ' must be a number')
    } else found[name] = k.kind === 'list' || k.kind === 'dict' ? json(path, text) : text
  }
  for (const tick of box.querySelectorAll('[data-forget]:checked')) found[tick.dataset.forget] = null
  return found
}
function collect() {
  const found = {}
  for (const section of Object.keys(state.sections)) {
    const values = read($(section), section, state.sections[section])
    found[section] = Object.keys(values).length || state.config[section] ? values : null
  }
  const type = $('type').value
  found.meter = type ? { type, ...read($('keys'), 'meter', meterKeys) } : null
  const text = $('ct002').value.trim()
  found.ct002 = text ? json('ct002', text) : null
  return found
}
function mark(text) {
  document.querySelectorAll('.error').forEach(e => e.id !== 'said' && e.remove())
  document.querySelectorAll('.wrong').forEach(e => e.classList.remove('wrong'))
  if (!text) return false
"""
