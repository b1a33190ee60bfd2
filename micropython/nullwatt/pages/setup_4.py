"""The page for setting up, piece 4 of 8."""

TEXT = """    label.className = 'tick'
  } else if (k.kind === 'list' || k.kind === 'dict') {
    const text = k.default === undefined ? '' : JSON.stringify(k.default)
    input = el('textarea', { value: value === undefined ? '' : JSON.stringify(value, null, 1), placeholder: text })
    notes.push('as JSON')
  } else {
    input = el('input', { type: k.secret ? 'password' : 'text', value: value ?? '', placeholder: k.default ?? '' })
    if (k.secret) Object.assign(input, { autocomplete: 'new-password', placeholder: set ? 'kept as it is' : '' })
    if (k.kind === 'int' || k.kind === 'float') input.inputMode = 'decimal'
  }
  input.dataset.key = name
  input.spellcheck = false
  label.append(...(k.kind === 'bool' ? [input, title] : [title, input]))
  if (k.required) title.append(' *')
  const text = notes.filter(Boolean).join('; ')
  if (text) label.append(el('small', { textContent: text }))
  if (!set) return [label]
  const forget = el('input', { type: 'checkbox' })
  forget.dataset.forget = name
  const words = 'Forget the ' + name.replaceAll('_', ' ')
  return [label, el('label', { className: 'tick' }, forget, el('span', { textContent: words }))]
}
function fields(box, section, keys, values) {
  const rank = ([name, k]) => (k.required ? 0 : 100) + (ORDER.indexOf(name) + 1 || 50)
  const all = Object.entries(keys).sort((a, b) => rank(a) - rank(b) || a[0].localeCompare(b[0]))
  for (const [name, k] of all) box.append(...field(section, name, k, values[name]))
}
function fail(path, text) {
  throw Object.assign(Error(path + ': ' + text), { path })
}
function json(path, text) {
  try { return JSON.parse(text) } catch (e) { return fail(path, 'is not JSON: ' + e.message) }
}
"""
