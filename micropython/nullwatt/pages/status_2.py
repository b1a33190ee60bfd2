"""The page of what is going on, piece 2 of 5."""

TEXT = """<style>
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
"""
