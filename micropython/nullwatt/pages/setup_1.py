"""The page for setting up, piece 1 of 8."""

TEXT = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Set up nullwatt</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">
<style>
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#16202c;--dim:#5d6b7a;--line:#dfe4ea;--field:#fff;
--edge:#aab4bf;--good:#0b7a5c;--accent:#1558c0;--on:#fff;--bad:#b42318}
@media(prefers-color-scheme:dark){:root{--bg:#0f141a;--card:#182029;--ink:#e8edf3;--dim:#93a1b0;--line:#2a3541;
--field:#10161d;--edge:#4a5866;--good:#43c59e;--accent:#6ea8fe;--on:#0b1017;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.45 system-ui,sans-serif}
main{max-width:36rem;margin:0 auto;padding:1rem}
header{display:flex;align-items:center;margin:.2rem 0 1rem}h1{font-size:1.15rem;margin:0;flex:1}
h2,summary{font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;color:var(--dim);font-weight:600}
h2{margin:0 0 .8rem}summary{cursor:pointer}details[open] summary{margin-bottom:.8rem}
section,details{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem;
margin-bottom:1rem}
label{display:block;margin-bottom:.9rem}label>b{font-weight:550}
label.tick{display:flex;gap:0 .6rem;align-items:center;flex-wrap:wrap}
small{display:block;color:var(--dim);font-size:.82rem;flex-basis:100%}a{color:var(--accent)}
</style>"""
