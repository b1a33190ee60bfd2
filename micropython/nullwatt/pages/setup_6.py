"""The page for setting up, piece 6 of 8."""

TEXT = """  let best
  for (const label of document.querySelectorAll('[data-path]'))
    if (text.includes(label.dataset.path) && (!best || label.dataset.path.length > best.dataset.path.length))
      best = label
  if (!best) return false
  best.classList.add('wrong')
  best.append(el('small', { className: 'error', textContent: text }))
  if (best.closest('details')) best.closest('details').open = true
  best.scrollIntoView({ block: 'center' })
  return true
}
async function kind(type, values) {
  $('keys').replaceChildren()
  meterKeys = {}
  if (!type) return
  try {
    meterKeys = await ask('/api/meter?type=' + encodeURIComponent(type))
    fields($('keys'), 'meter', meterKeys, values)
  } catch (e) { $('keys').append(el('p', { className: 'error', textContent: e.message })) }
}
async function scan() {
  $('scan').disabled = true
  $('nets').replaceChildren('Looking\u2026')
  try {
    const ssid = document.querySelector('[data-path="wifi.ssid"] input'), nets = await ask('/api/networks')
    $('nets').replaceChildren(...nets.map(([name, rssi, free]) => {
      const b = el('button', { type: 'button', className: 'net' }, el('b', { textContent: name }),
        el('span', { textContent: rssi + ' dBm' + (free ? ', open' : '') }))
      b.onclick = () => {
        ssid.value = name
        for (const other of $('nets').children) other.setAttribute('aria-pressed', other === b)
        document.querySelector('[data-path="wifi.password"] input').focus()
      }
      return b
    }))
    if (!nets.length) $('nets').textContent = 'None found. Type the name.'
  } catch (e) { $('nets').textContent = e.message }
  $('scan').disabled = false
}
"""
