import {expect, test} from 'vitest';
import type {LoginState} from '../../source/auth/login/contract.ts';
import {JarvisError} from '../../source/errors.ts';
import {textAtEnd} from '../../source/ui/edited-text.ts';
import {patch} from '../../source/ui/state.ts';
import {viewOf, waitingLogin} from '../ui/state-of.ts';
import {type RenderedApp, renderApp} from './render-app.tsx';
import {showcase} from './showcase.ts';
import {hour, noon} from './state.ts';

const url = `https://acme.test/authorize?response_type=code&client_id=jarvis&redirect_uri=http%3A%2F%2F127.0.0.1%3A1455%2Fcb&scope=openid+email+offline_access&code_challenge=${'c'.repeat(43)}&code_challenge_method=S256&state=${'s'.repeat(43)}`;

/** The login screen with a login that stays in a state. */
async function openAt(state: LoginState, field?: string): Promise<RenderedApp> {
	const app = await renderApp({stateDir: await showcase(), rows: 24});
	await app.press('5');
	const typed = field === undefined ? {} : {field: textAtEnd(field)};
	patch(app.context.store, {login: viewOf(state, typed)});
	await app.waitFor('Acme for the agent main');
	return app;
}

test('the choice', async () => {
	const app = await renderApp({stateDir: await showcase(), rows: 24});
	await app.press('5');
	await app.waitFor('(plugin)');
	expect(app.frame()).toMatchInlineSnapshot(`
		" JARVIS  1 Agents  2 Profiles  3 Order  4 Health ▸5 Login  6 Sessions                           ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  Log an account in for the agent main   ← → other agents
		    1–16/18
		  ▸  Acme                    (plugin)
		     OpenAI Codex (ChatGPT)  ✓ maya@example.test
		     Anthropic (Claude)      ! work, • default
		     GitHub Copilot
		     OpenRouter              ~ default
		     OpenAI                  ✗ vault
		     Google (Gemini)
		     Groq                    ~ default
		     Mistral
		     xAI (Grok)
		     DeepSeek
		     Together AI
		     Cerebras
		     Z.ai (GLM)
		     Moonshot (Kimi)
		     Fireworks AI

		  No browser opens: this is a test. You get a link, and can paste the address that it ends at.

		 ⏎ log in  → agent  / filter  ? help  q quit"
	`);
});

test('waiting', async () => {
	const app = await openAt({...waitingLogin, url});
	expect(app.frame()).toMatchInlineSnapshot(`
		" JARVIS  1 Agents  2 Profiles  3 Order  4 Health ▸5 Login  6 Sessions                           ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  Acme for the agent main
		  Open this link in a browser:
		https://acme.test/authorize?response_type=code&client_id=jarvis&redirect_uri=http%3A%2F%2F127.0.0.1%
		3A1455%2Fcb&scope=openid+email+offline_access&code_challenge=ccccccccccccccccccccccccccccccccccccccc
		cccc&code_challenge_method=S256&state=sssssssssssssssssssssssssssssssssssssssssss
		  … 10m 0s for the browser to come back to http://127.0.0.1:1455/cb
		  > or paste the address that the browser ends at














		 p paste  y copy link  b browser  u plain link  Esc cancel  Q QR code  ? help  q quit"
	`);
});

test('typing, on a taken port', async () => {
	const app = await openAt({...waitingLogin, url, listening: false}, 'http://127.0.0.1:1455/cb?code=');
	expect(app.frame()).toMatchInlineSnapshot(`
		" JARVIS  1 Agents  2 Profiles  3 Order  4 Health ▸5 Login  6 Sessions                           ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  Acme for the agent main
		  Open this link in a browser:
		https://acme.test/authorize?response_type=code&client_id=jarvis&redirect_uri=http%3A%2F%2F127.0.0.1%
		3A1455%2Fcb&scope=openid+email+offline_access&code_challenge=ccccccccccccccccccccccccccccccccccccccc
		cccc&code_challenge_method=S256&state=sssssssssssssssssssssssssssssssssssssssssss
		  ! 10m 0s to paste: port 1455 is taken, so the browser's last page will not load
		  > http://127.0.0.1:1455/cb?code=














		 ⏎ finish  Esc back"
	`);
});

test('done', async () => {
	const result = {profileId: 'acme:maya', provider: 'acme', agentId: 'main', expires: noon + hour};
	const app = await openAt({step: 'done', result});
	expect(app.frame()).toMatchInlineSnapshot(`
		" JARVIS  1 Agents  2 Profiles  3 Order  4 Health ▸5 Login  6 Sessions                           ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  Acme for the agent main
		  ✓ Logged in. acme:maya is stored, good for 1h and then refreshed.



















		 ⏎ profiles  Esc another  ? help  q quit"
	`);
});

test('failed', async () => {
	const error = new JarvisError(
		'login_denied',
		'Acme did not grant the login (access_denied).',
		'Try again.',
	);
	const app = await openAt({step: 'failed', error});
	expect(app.frame()).toMatchInlineSnapshot(`
		" JARVIS  1 Agents  2 Profiles  3 Order  4 Health ▸5 Login  6 Sessions                           ✗ 3
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  Acme for the agent main
		  ✗ Acme did not grant the login (access_denied).
		  Try again.


















		 r try again  ⏎ profiles  Esc another  ? help  q quit"
	`);
});

test.each([
	['preparing', 'Asking the authorization server…', 'Esc cancel'],
	['exchanging', 'Finishing the login…', 'Esc cancel'],
	['cancelled', 'Cancelled. Nothing was stored.', 'r try again'],
] as const)('%s', async (step, sentence, key) => {
	const app = await openAt({step});
	expect(app.frame()).toContain(sentence);
	expect(app.frame()).toContain(key);
});
