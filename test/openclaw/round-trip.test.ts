import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {beforeAll, describe, expect, it} from 'vitest';
import {type Jarvis, openJarvis} from '../../source/core.ts';
import {
	agentsSaid,
	askOpenclaw,
	contentOf,
	makeOpenclawState,
	openclaw,
	openclawJson,
	openclawProgram,
	type Said,
} from '../support/openclaw.ts';
import {put, temporaryFolder} from '../support/state-folder.ts';
import {askJarvis, expectSame} from './same.ts';

const timeout = 300_000;
const hour = 3_600_000;
/** Members of openclaw's answers that are of the folder or the moment in which it was asked. */
const ofItsOwn = ['configPath', 'agentDir', 'storePath', 'authStorePath', 'detail', 'remainingMs'];

/** The document of an agent in openclaw's folder. */
function documentOf(folder: string, agentId = 'main') {
	return JSON.parse(readFileSync(join(folder, 'agents', agentId, 'agent/auth-profiles.json'), 'utf8'));
}

// Set JARVIS_OPENCLAW to the openclaw.mjs of openclaw@2026.3.31, or run it all by `npm run test:openclaw`.
describe.skipIf(!openclawProgram)('with the real openclaw (skipped unless JARVIS_OPENCLAW is set)', () => {
	let theirs: string;
	let jarvis: Jarvis;
	let said: Said;
	const stateDir = join(temporaryFolder(), 'jarvis');

	beforeAll(async () => {
		theirs = join(temporaryFolder(), 'openclaw');
		await makeOpenclawState(theirs, Date.now() + hour);
		// Members that neither program knows, as a newer one may have written them.
		const document = documentOf(theirs);
		document.profiles['openai:default'].fromTheFuture = {kept: true};
		document.usageStats = {'anthropic:brief': {lastUsed: 5, cooldownUntil: Date.now() + hour, errorCount: 2}};
		put(join(theirs, 'agents/main/agent/auth-profiles.json'), document);
		said = await askOpenclaw(theirs);
		const before = contentOf(theirs);
		jarvis = openJarvis({stateDir, env: {}});
		await jarvis.importOpenclaw(theirs, {dryRun: false});
		expect(contentOf(theirs)).toEqual(before);
	}, timeout);

	it('reads the same of the state that openclaw wrote', async () => {
		expectSame(said, await askJarvis(stateDir, said.at));
	});

	it(
		'writes a state of which openclaw reads the same',
		async () => {
			const folder = join(temporaryFolder(), 'exported');
			await jarvis.exportOpenclaw(folder, {merge: false, withRefreshTokens: false});
			const exported = contentOf(folder);
			const again = await askOpenclaw(folder);
			// Without its refresh token a login that ends within a day is one that a person must renew there.
			const provider = 'providers.openai-codex';
			const profile = 'profiles.openai-codex:default';
			const differing = agentsSaid.flatMap(agent =>
				[profile, provider, `${provider}.${profile}`].map(place => `${agent}.auth.oauth.${place}.status`),
			);
			// Of a binding that is out of use JARVIS shows the channel alone.
			differing.push('1.match.accountId');
			expectSame(again, await askJarvis(stateDir, again.at), differing);
			// What it says of its own folders is another thing, and so are times, and what needs the refresh token.
			const statusOf = ({status, order}: Said) =>
				JSON.stringify([status.main, order], (key, value) => (ofItsOwn.includes(key) ? null : value))
					.replaceAll(/ \[cooldown [^\]]*\]/g, '')
					.replaceAll('"expiring"', '"ok"');
			expect(statusOf(again)).toBe(statusOf(said));
			expect(again.sessions).toMatchObject({
				count: 1,
				sessions: [{key: 'agent:main:main', modelOverride: 'claude-opus-4-6'}],
			});
			expect(JSON.stringify(exported)).not.toContain('not-a-secret-refresh-1');
			// Reading wrote nothing: above all no copy of the main agent's profiles under the other one.
			expect(documentOf(folder, 'work').profiles).toEqual({});
			for (const [file, text] of Object.entries(exported)) expect(readFileSync(file, 'utf8')).toBe(text);
		},
		timeout,
	);

	it(
		'keeps unknown members through writes of both, and takes in what openclaw changed',
		async () => {
			const folder = join(temporaryFolder(), 'exported');
			await jarvis.exportOpenclaw(folder, {merge: false, withRefreshTokens: false});
			const order = ['models', 'auth', 'order'];
			await openclaw(folder, ...order, 'set', '--agent', 'main', '--provider', 'openai', 'openai:default');
			expect(documentOf(folder).profiles['openai:default']).toHaveProperty('fromTheFuture', {kept: true});
			expect(documentOf(folder).usageStats['anthropic:brief']).toMatchObject({lastUsed: 5, errorCount: 2});
			const second = openJarvis({stateDir: join(temporaryFolder(), 'second'), env: {}});
			await second.importOpenclaw(folder, {dryRun: false});
			const {profiles, order: orders} = JSON.parse(readFileSync(second.paths.profiles('main'), 'utf8'));
			expect(profiles['openai:default']).toHaveProperty('fromTheFuture', {kept: true});
			expect(orders).toMatchObject({openai: ['openai:default']});
		},
		timeout,
	);

	it(
		'takes the refresh tokens from a state that openclaw goes on using, and gives them back when told to',
		async () => {
			await jarvis.exportOpenclaw(theirs, {merge: true, withRefreshTokens: false});
			const refresh = (agentId: string) =>
				documentOf(theirs, agentId).profiles['openai-codex:default'].refresh;
			expect([refresh('main'), refresh('work')]).toEqual([undefined, undefined]);
			const channels = await openclawJson(theirs, 'config', 'get', 'channels.telegram.accounts');
			expect(channels).toHaveProperty('work');
			expect(readFileSync(join(theirs, 'openclaw.json'), 'utf8')).toContain('not-a-secret-bot-token');
			const status = JSON.stringify(await openclawJson(theirs, 'models', 'status', '--agent', 'work'));
			expect(status).toContain('"openai-codex:default"');

			await jarvis.exportOpenclaw(theirs, {merge: true, withRefreshTokens: true});
			expect([refresh('main'), refresh('work')]).toEqual(['not-a-secret-refresh-1', undefined]);
			expect(readFileSync(jarvis.paths.profiles('main'), 'utf8')).not.toContain('not-a-secret-refresh-1');
			expect(existsSync(join(theirs, 'agents/main/agent/auth-profiles.json.lock'))).toBe(false);
		},
		timeout,
	);
});
