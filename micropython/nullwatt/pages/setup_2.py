"""The page for setting up, piece 2 of 8."""

TEXT = """<style>
input:not([type=checkbox]),select,textarea{width:100%;margin-top:.2rem;padding:.55rem .6rem;font:inherit;
color:inherit;background:var(--field);border:1px solid var(--edge);border-radius:8px;min-width:0}
textarea{font:13px/1.5 ui-monospace,monospace;min-height:6rem;resize:vertical}
input[type=checkbox]{width:1.1rem;height:1.1rem;margin:0;accent-color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
.wrong input,.wrong select,.wrong textarea{border-color:var(--bad)}
.error{color:var(--bad);font-size:.88rem;overflow-wrap:anywhere}.good{color:var(--good)}
button{font:inherit;padding:.6rem 1rem;border-radius:8px;border:1px solid var(--edge);background:none;color:inherit;
cursor:pointer}
button.main{background:var(--accent);border-color:var(--accent);color:var(--on);font-weight:600;width:100%}
button:disabled{opacity:.5;cursor:default}
.foot{position:sticky;bottom:0;background:var(--bg);padding:.6rem 0 1rem}#said{margin:0 0 .5rem;overflow-wrap:anywhere}
.net{display:flex;gap:.5rem;width:100%;text-align:left;margin-bottom:.4rem;overflow-wrap:anywhere}
.net span{margin-left:auto;color:var(--dim);white-space:nowrap}.net[aria-pressed=true]{border-color:var(--accent)}
#nets{margin:.5rem 0 1rem}[hidden]{display:none!important}
</style></head><body><main><header><h1>Set up nullwatt</h1><a href="/" id="back" hidden>Back</a></header>
<form id="form" autocomplete="off" novalidate>
<section id="wifi"><h2>Wi-Fi</h2><div id="scanner" hidden>
<button type="button" id="scan">Look for networks</button><div id="nets"></div></div></section>
<section id="meter"><h2>Grid meter</h2><label data-path="meter.type"><b>Kind</b><select id="type"></select></label>
<div id="keys"></div></section>
<details id="control"><summary>Control of the batteries</summary><label data-path="ct002"><b>Options as JSON</b>
<textarea id="ct002" spellcheck="false" placeholder='{"balancer": {"grid_target": 0}}'></textarea>
<small>Keys and blocks as in docs/options.md; empty = as they come.</small></label></details>
<div id="more"></div>
<div class="foot"><p id="said" role="status"></p><button class="main" id="save" disabled>Save and restart</button></div>
</form></main><script>
"""
