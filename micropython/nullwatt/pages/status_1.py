"""The page of what is going on, piece 1 of 5."""

TEXT = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>nullwatt</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">
<style>
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#16202c;--dim:#5d6b7a;--line:#dfe4ea;--in:#b3420c;
--out:#0b7a5c;--accent:#1f6feb;--bad:#b42318}
@media(prefers-color-scheme:dark){:root{--bg:#0f141a;--card:#182029;--ink:#e8edf3;--dim:#93a1b0;--line:#2a3541;
--in:#f2945c;--out:#43c59e;--accent:#6ea8fe;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.45 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:1rem}
header{display:flex;align-items:center;gap:.6rem;margin:.2rem 0 1rem}
h1{font-size:1.15rem;margin:0}h1+small{flex:1}
h2{font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;color:var(--dim);margin:0 0 .6rem;font-weight:600}
small,.dim{color:var(--dim)}a{color:var(--accent)}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem;margin-bottom:1rem}
.big{font-size:2.6rem;font-weight:650;line-height:1.1;font-variant-numeric:tabular-nums}
.row{display:flex;gap:.5rem;align-items:baseline}.row>:last-child{margin-left:auto}#phases{margin-top:.7rem}
.name{display:flex;gap:.2rem .5rem;align-items:center;flex-wrap:wrap}
</style>"""
