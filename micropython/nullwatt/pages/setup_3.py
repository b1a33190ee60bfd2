"""The page for setting up, piece 3 of 8."""

TEXT = """
const $ = id => document.getElementById(id)
const NAMES = { mqtt: 'MQTT', web: 'This page', update: 'Updates', log: 'Log', watchdog: 'Watchdog' }
const ORDER = ['ssid', 'host', 'url', 'port', 'topic', 'topics', 'user', 'password', 'token', 'hostname', 'country']
const WORDS = { 'wifi.ssid': 'Name of the network', 'wifi.hostname': 'Name of the board', 'wifi.setup': 'Access point',
  'web.port': 'TCP port' }
let state, meterKeys = {}
function el(tag, set, ...inside) {
  const e = Object.assign(document.createElement(tag), set)
  e.append(...inside)
  return e
}
function said(text, kind) {
  $('said').textContent = text
  $('said').className = kind || ''
}
async function ask(path, body) {
  const how = body === undefined ? {} :
    { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
  const answer = await fetch(path, how), found = await answer.json()
  if (!answer.ok) throw Error(found.error)
  return found
}
function bounds(k) {
  const length = k.kind === 'str' ? ' characters' : ''
  if (k.low !== undefined && k.high !== undefined) return k.low + ' to ' + k.high + length
  return k.low !== undefined ? 'at least ' + k.low + length : k.high !== undefined ? 'at most ' + k.high + length : ''
}
function field(section, name, k, value) {
  const path = section + '.' + name, set = state.secrets.includes(path)
  const title = el('b', { textContent: WORDS[path] || name.replaceAll('_', ' ').replace(/^./, c => c.toUpperCase()) })
  const label = el('label', {}), notes = [k.help, k.kind === 'bool' || k.secret ? '' : bounds(k)]
  label.dataset.path = path
  let input
  if (k.choices) {
    input = el('select', {}, ...k.choices.map(c => el('option', { value: c, textContent: c })))
    input.value = value ?? k.default ?? k.choices[0]
  } else if (k.kind === 'bool') {
    input = el('input', { type: 'checkbox', checked: value ?? k.default ?? false })
"""
