import {createHash} from 'node:crypto';
import {expect, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {temporaryFolder} from '../support/sandbox.ts';
import {keys, renderApp} from './render-app.tsx';
import {type AgentSeed, apiKey, fill, hour, minute, noon, oauth, token} from './state.ts';

/** Secrets of every kind and of several lengths. */
const secrets = Array.from({length: 8}, (_, index) => {
	const digest = createHash('sha256').update(`secret ${index}`).digest('hex');
	return `canary-${digest.slice(0, [1, 5, 10, 16, 17, 18, 24, 60][index])}`;
});
const [s0, s1, s2, s3, s4, s5, s6, s7] = secrets as [
	string,
	string,
	string,
	string,
	string,
	string,
	string,
	string,
];

const seed: AgentSeed = {
	profiles: {
		'acme:short': apiKey('acme', {key: s0}),
		'acme:key': apiKey('acme', {key: s7}),
		'acme:token': token('acme', {token: s1, expires: noon + hour}),
		'acme:oauth': oauth('acme', {access: s2, refresh: s3}),
		'acme:over': oauth('acme', {access: s4, refresh: s5, expires: noon + minute}),
		'acme:cooling': apiKey('acme', {key: s6}),
	},
	usage: {'acme:cooling': {cooldownUntil: noon + hour, errorCount: 3}},
};

/** The runs of so many characters that a text has in common with one of the secrets. */
function leaks(text: string, length: number): string[] {
	return secrets.flatMap(secret => {
		const runs = Array.from({length: secret.length - length + 1}, (_, at) => secret.slice(at, at + length));
		return runs.filter(run => text.includes(run));
	});
}

test('no frame of any screen, question, message or failure shows more than the last four characters of a secret', async () => {
	const stateDir = temporaryFolder();
	await openJarvis({stateDir, env: {}}).addAgent({id: 'work'});
	await fill(stateDir, 'main', seed);
	const app = await renderApp({stateDir, copy: text => Promise.reject(new Error(`cannot copy ${text}`))});
	for (const screen of ['1', '2', '3', '4', '5', '?']) await app.press(screen);
	await app.press(keys.esc, '2');
	for (const id of Object.keys(seed.profiles ?? {})) {
		await app.waitFor(() => expect(app.cursorLine()).toContain(id));
		for (const key of ['D', 'e', 'Y']) {
			await app.press(key);
			await app.waitFor(() => expect(app.state().dialog).toBeDefined());
			await app.press(keys.esc);
		}
		await app.press('Y', 'y');
		await app.waitFor('could not be copied');
		await app.press('r', 'l');
		await app.waitFor(() => expect(app.state().tasks.size).toBe(0));
		await app.press('2', 'j');
	}
	await app.press('/');
	await app.type('canary');
	await app.waitFor('Nothing holds that');
	const written = app.frames.join('\n').replaceAll('/ canary', '');
	expect(app.copied.length).toBe(secrets.length - 2);
	expect(written).toContain('••••••••');
	expect(written).not.toContain('canary-');
	expect(leaks(written, 8)).toEqual([]);
	for (const secret of [s0, s1, s2, s3, s4]) expect(written).not.toContain(`•${secret.slice(-4)}`);
});

test('what is shown of a long secret is its last four characters', async () => {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', {profiles: {'acme:key': apiKey('acme', {key: s7})}});
	const app = await renderApp({stateDir});
	await app.press('2');
	await app.waitFor(`••••••••${s7.slice(-4)}`);
	expect(app.frame()).not.toContain(s7.slice(-5));
});
