import {expect, test} from 'vitest';
import {keys, type RenderedApp, renderApp} from './render-app.tsx';
import {showcase} from './showcase.ts';

async function open(...pieces: readonly string[]): Promise<RenderedApp> {
	const app = await renderApp({stateDir: await showcase(), rows: 24});
	await app.press(...pieces);
	return app;
}

test('health', async () => {
	const app = await open('4');
	await app.waitFor('to watch');
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents  2 Profiles  3 Order ▸4 Health  5 Login  6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  3 ✗ need you   3 ! to watch   2 ✓ ok   1 • static or due
		  next: main/openrouter:default comes back in 4m 0s
		  AGENT       PROFILE                STATE                   LEFT                EXPIRES
		▸ work        anthropic:old          ✗ expired               over  ────────────  2026-01-12 12:00:00
		  main        openai:vault           ✗ ref unresolved           –                –
		  main        groq:default           ~ disabled 5h              –                –
		  main        openrouter:default     ~ cooling 4m               –                –
		  main        anthropic:work         ! expiring                5h  ━───────────  2026-01-15 17:00:00
		  main        openai-codex:maya@ex…  ✓ ok                  41m 8s  ━━━━━━━━────  2026-01-15 12:41:08
		  work        anthropic:default      ✓ ok                    340d  ━━━━━━━━━━━━  2026-12-21 12:00:00
		  main        anthropic:default      • static                   –                –








		  ✗ work: acme:future is of a type that is not known here

		 ⏎ details  r refresh  p probe  l log in  d doctor  / filter  ? help  q quit"
	`);
});

test('agents', async () => {
	const app = await open('1', 'j');
	await app.waitFor(/▸ personal/);
	expect(app.frame()).toMatchInlineSnapshot(`
		"▸1 Agents  2 Profiles  3 Order  4 Health  5 Login  6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  AGENT                     DEFAULT  PROFILES  WORST STATE             WORKSPACE
		  main                      ★               6  ✗ 1 needs you           –
		▸ personal                                  0  no credentials          –
		  work                                      2  ✗ 2 need you            ~/work

















		 ⏎ profiles  a add  d default  l log in  w wizard  D delete  / filter  ? help  q quit"
	`);
});

test('profiles', async () => {
	const app = await open('2');
	await app.waitFor('Profiles of main');
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents ▸2 Profiles  3 Order  4 Health  5 Login  6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  Profiles of main   ← → other agents
		  PROFILE                         KIND     ACCOUNT           STATE                  LEFT   LAST USED
		▸ openai-codex:maya@example.test  OAuth    maya@example.te…  ✓ ok                    41m     40s ago
		  anthropic:work                  token    –                 ! expiring               5h      3m ago
		  anthropic:default               API key  –                 • static                  –       never
		  openrouter:default              API key  –                 ~ cooling 4m              –       never
		  groq:default                    API key  –                 ~ disabled 5h             –       never
		  openai:vault                    API key  –                 ✗ ref unresolved          –       never

		┌──────────────────────────────────────────────────────────────────────────────────────────────────┐
		│ state      ✓ ok                                                                                  │
		│ expires    2026-01-15 12:41:08 (in 41m)                                                          │
		│ provider   OpenAI Codex (ChatGPT)                                                                │
		│ account    maya@example.test · account-maya                                                      │
		│ access     ••••••••3bab                                                                          │
		│ refresh    ••••••••04a7                                                                          │
		│ proven     refreshed 19m ago                                                                     │
		│ last used  40s ago                                                                               │
		│ renewal    refreshed when it runs out                                                            │
		└──────────────────────────────────────────────────────────────────────────────────────────────────┘

		 ⏎ details  l log in  r refresh  p probe  y copy id  e rename  D remove  / filter  ? help  q quit"
	`);
});

test('profiles of an agent with an entry that is not understood', async () => {
	const app = await open('2', keys.left);
	await app.waitFor('Profiles of work');
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents ▸2 Profiles  3 Order  4 Health  5 Login  6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  Profiles of work   ← → other agents
		  PROFILE  1–5/6                  KIND     ACCOUNT           STATE                  LEFT   LAST USED
		  anthropic:old                   token    –                 ✗ expired              over       never
		  anthropic:default               token    –                 ✓ ok                   340d       never
		▸ openai-codex:maya@exam… ← main  OAuth    maya@example.te…  ✓ ok                    41m     40s ago
		  openrouter:default ← main       API key  –                 ~ cooling 4m              –       never
		  groq:default ← main             API key  –                 ~ disabled 5h             –       never
		  ✗ acme:future is of a type that is not known here: kept in the file, left out of use
		┌──────────────────────────────────────────────────────────────────────────────────────────────────┐
		│ state      ✓ ok                                                                                  │
		│ expires    2026-01-15 12:41:08 (in 41m)                                                          │
		│ provider   OpenAI Codex (ChatGPT)                                                                │
		│ owner      the agent main                                                                        │
		│ account    maya@example.test · account-maya                                                      │
		│ access     ••••••••3bab                                                                          │
		│ refresh    ••••••••04a7                                                                          │
		│ proven     refreshed 19m ago                                                                     │
		│ last used  40s ago                                                                               │
		│ renewal    refreshed when it runs out                                                            │
		└──────────────────────────────────────────────────────────────────────────────────────────────────┘

		 ⏎ details  l log in  r refresh  p probe  y copy id  e rename  D remove  / filter  ? help  q quit"
	`);
});

test('order', async () => {
	const app = await open('2', keys.left, '3');
	await app.waitFor('anthropic:old');
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents  2 Profiles ▸3 Order  4 Health  5 Login  6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  work  [anthropic]  groq  openai  openai-codex  openrouter
		  from: the agent’s own order
		   #  PROFILE                            WHY HERE                             REASON
		▸  1  anthropic:default                  place 1 of the order                 ok
		   –  anthropic:old                      expired, and cannot be refreshed     expired











		┌──────────────────────────────────────────────────────────────────────────────────────────────────┐
		│ anthropic:default                                                                                │
		│ place 1 of the order                                                                             │
		└──────────────────────────────────────────────────────────────────────────────────────────────────┘

		 K up  J down  s save  x clear  → provider  / filter  ? help  q quit"
	`);
});

test('sessions', async () => {
	const app = await open('6', 'j');
	await app.waitFor(/▸ review/);
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents  2 Profiles  3 Order  4 Health  5 Login ▸6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  Sessions of main   ← → other agents
		  SESSION                   MODEL               PROFILE                          PIN         CHANGED
		  chat:42                   anthropic/opus      anthropic:work                   kept        20s ago
		▸ review                    anthropic/opus      ✗ anthropic:gone                 pinned       1h ago
		  nightly                   openrouter/auto     openrouter:default               –            2d ago
		  漢字/かな                 anthropic/opus      anthropic:default                pinned       3d ago






		┌──────────────────────────────────────────────────────────────────────────────────────────────────┐
		│ model      anthropic/opus (the session’s model)                                                  │
		│ profile    none can be used                                                                      │
		│ pin        anthropic:gone (pinned), which cannot be used now                                     │
		│ not tried  anthropic:gone: no such profile is stored                                             │
		│ not tried  anthropic:work: the session is pinned to anthropic:gone                               │
		│ not tried  anthropic:default: the session is pinned to anthropic:gone                            │
		└──────────────────────────────────────────────────────────────────────────────────────────────────┘

		 ⏎ command  n new  x reset  → agent  / filter  ? help  q quit"
	`);
});

test('sessions, with a command that was not understood', async () => {
	const app = await open('6', ':');
	await app.type('Opus@anthropic:wrok');
	await app.press(keys.enter);
	await app.waitFor('wrok.');
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents  2 Profiles  3 Order  4 Health  5 Login ▸6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  Sessions of main   ← → other agents
		  SESSION                   MODEL               PROFILE                          PIN         CHANGED
		▸ chat:42                   anthropic/opus      anthropic:work                   kept        20s ago
		  review                    anthropic/opus      ✗ anthropic:gone                 pinned       1h ago
		  nightly                   openrouter/auto     openrouter:default               –            2d ago
		  漢字/かな                 anthropic/opus      anthropic:default                pinned       3d ago






		┌──────────────────────────────────────────────────────────────────────────────────────────────────┐
		│ model      anthropic/opus (the session’s model)                                                  │
		│ profile    anthropic:work (kept for the session)                                                 │
		│ turn 2     anthropic:default: API key, never used                                                │
		└──────────────────────────────────────────────────────────────────────────────────────────────────┘
		  chat:42 > /model Opus@anthropic:wrok
		  The agent main has no profile anthropic:wrok. The agent main has these profiles of anthropic:
		  anthropic:default, anthropic:work.

		 ⏎ run  Tab complete  Esc cancel"
	`);
});

test('the answer to a command', async () => {
	const app = await open('6', ':', '\u0015');
	await app.type('/help');
	await app.press(keys.enter);
	await app.waitFor('Lists these commands');
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents  2 Profiles  3 Order  4 Health  5 Login ▸6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  Sessions of main   ← → other agents
		  SESSION                   MODEL               PROFILE                          PIN         CHANGED
		▸ chat:42                   anthropic/opus      anthropic:work                   kept        20s ago
		  review                    anthropic/opus      ✗ anthropic:gone                 pinned       1h ago
		  nightly                   openrouter/auto     openrouter:default               –            2d ago
		  漢字/かな                 anthropic/opus      anthropic:default                pinned       3d ago





		┌──────────────────────────────────────────────────────────────────────────────────────────────────┐
		│ /model, /model status          Shows the model and the profile in use, and why                   │
		│ /model list                    Lists the models and profiles that there are                      │
		│ /model default                 Goes back to the default model, and to profiles by their order    │
		│ /model <model>[@<profile id>]  Uses a model (alias or provider/model) from now on, and keeps to  │
		│ a profile if one is named                                                                        │
		│ /reset, /new                   Begins the session anew, without a model or profile of its own    │
		│ /help                          Lists these commands                                              │
		└──────────────────────────────────────────────────────────────────────────────────────────────────┘

		 ⏎ command  n new  x reset  → agent  / filter  ? help  q quit"
	`);
});

test('help', async () => {
	const app = await open('?');
	await app.waitFor('1–19/152   Space: more');
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents  2 Profiles  3 Order ▸4 Health  5 Login  6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		 Health
		  ⏎           show the profile among those of its agent
		  r           refresh its access token now
		  p           ask its provider whether it works
		  l           log in again for the profile
		  c           forget its failures and use it again, after asking
		  d           find what is wrong around the credentials, and what helps

		 Agents
		  ⏎           show the profiles of the agent
		  a           add an agent with credentials of its own
		  d           make it the agent that is meant when none is named
		  l           log an account in for the agent
		  w           log in step by step, beginning with the agent
		  D           delete the agent and its credentials, after typing its name

		 Profiles
		  ⏎           show or hide the details of the profile
		  c           forget its failures and use it again, after asking
		  1–19/152   Space: more

		 Esc back  ↓ scroll"
	`);
});

test('a question whose answer is typed, over a screen', async () => {
	const app = await open('1', 'G', 'D');
	await app.type('work');
	await app.waitFor('> work');
	expect(app.frame()).toMatchInlineSnapshot(`
		"▸1 Agents  2 Profiles  3 Order  4 Health  5 Login  6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  AGENT                     DEFAULT  PROFILES  WORST STATE             WORKSPACE
		  main                      ★               6  ✗ 1 needs you           –
		  personal                                  0  no credentials          –
		▸ work                                      2  ✗ 2 need you            ~/work



		                  ╭──────────────────────────────────────────────────────────────╮
		                  │ Delete the agent work                                        │
		                  │ Its folder goes, with 2 profiles and its sessions.           │
		                  │ Type work to do it:                                          │
		                  │ > work                                                       │
		                  │ ⏎ done   Esc cancel                                          │
		                  ╰──────────────────────────────────────────────────────────────╯







		 ⏎ done  Esc cancel"
	`);
});

test('a question that is answered by a key', async () => {
	const app = await open('2', 'Y');
	await app.waitFor('Copy the access token?');
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents ▸2 Profiles  3 Order  4 Health  5 Login  6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  Profiles of main   ← → other agents
		  PROFILE                         KIND     ACCOUNT           STATE                  LEFT   LAST USED
		▸ openai-codex:maya@example.test  OAuth    maya@example.te…  ✓ ok                    41m     40s ago
		  anthropic:work                  token    –                 ! expiring               5h      3m ago
		  anthropic:default               API key  –                 • static                  –       never
		  openrouter:default              API key  –                 ~ cooling 4m              –       never
		  groq:default                    API key  –                 ~ disabled 5h             –       never
		  openai:vault    ╭──────────────────────────────────────────────────────────────╮     –       never
		                  │ Copy the access token?                                       │
		┌─────────────────│ The access token of openai-codex:maya@example.test goes to   │─────────────────┐
		│ state      ✓ ok │ the clipboard, where every program can read it.              │                 │
		│ expires    2026-│ y yes   n no                                                 │                 │
		│ provider   OpenA╰──────────────────────────────────────────────────────────────╯                 │
		│ account    maya@example.test · account-maya                                                      │
		│ access     ••••••••3bab                                                                          │
		│ refresh    ••••••••04a7                                                                          │
		│ proven     refreshed 19m ago                                                                     │
		│ last used  40s ago                                                                               │
		│ renewal    refreshed when it runs out                                                            │
		└──────────────────────────────────────────────────────────────────────────────────────────────────┘

		 y yes  n no"
	`);
});

test('a message, while a filter is on', async () => {
	const app = await open('4', '/');
	await app.type('anthropic');
	await app.press(keys.enter, 'r');
	await app.waitFor('never refreshed');
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents  2 Profiles  3 Order ▸4 Health  5 Login  6 Sessions  7 Import  8 Log  9 Broker        ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  3 ✗ need you   1 ! to watch   1 ✓ ok   1 • static or due
		  next: main/anthropic:work runs out in 5h
		  AGENT       PROFILE                STATE                   LEFT                EXPIRES
		▸ work        anthropic:old          ✗ expired               over  ────────────  2026-01-12 12:00:00
		  main        anthropic:work         ! expiring                5h  ━───────────  2026-01-15 17:00:00
		  work        anthropic:default      ✓ ok                    340d  ━━━━━━━━━━━━  2026-12-21 12:00:00
		  main        anthropic:default      • static                   –                –












		  ✗ work: acme:future is of a type that is not known here
		 ! anthropic:old is a pasted token: it is never refreshed.
		 ⏎ details  r refresh  p probe  l log in  d doctor  / filter  ? help  q quit"
	`);
});

test('a window that is too small', async () => {
	const app = await open();
	app.resize(59, 4);
	await app.waitFor('JARVIS needs');
	expect(app.frame()).toMatchInlineSnapshot(`
		"JARVIS needs 60x16, this is 59x4.
		Make the window larger, or press q.

		"
	`);
});
