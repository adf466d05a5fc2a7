import {existsSync, statSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, describe, expect, it} from 'vitest';
import * as edit from '../../source/store/edit.ts';
import type {JsonObject} from '../../source/store/json.ts';
import {acquireLock} from '../../source/store/lock.ts';
import type {StatePaths} from '../../source/store/paths.ts';
import {
	listAgentIds,
	peekCredentials,
	readCredentials,
	removeAgentFolder,
	updateCredentials,
} from '../../source/store/profiles.ts';
import {emptyState, exposed, modeOf, names, put, text} from '../support/state-folder.ts';
import {endWorkers, startWorkers} from '../support/workers.ts';
import type {ProfilesWorker} from './profiles-worker.ts';

afterAll(endWorkers);

const apiKey = {type: 'api_key', provider: 'acme', key: 'canary-key'} as const;

/** What a newer program may have written: members that are not known here at every level. */
const rich = {
	future: {a: [1, {b: null}]},
	usageStats: {'acme:a': {lastUsed: 5, quirk: 'kept'}, 'acme:b': {errorCount: 2, cooldownUntil: 9}},
	lastGood: {acme: 'acme:a', other: 'other:x'},
	profiles: {
		'acme:a': {...apiKey, metadata: {team: 'kept'}},
		'acme:b': {type: 'token', provider: 'acme', token: 'canary-token'},
		'acme:odd': {type: 'hologram', provider: 'acme', beam: 'kept'},
		'other:x': {type: 'oauth', provider: 'other', refresh: 'canary-refresh', expires: 5},
	},
	order: {acme: ['acme:b', 'acme:a'], other: ['other:x']},
	version: 1,
};

function stateWith(content: unknown): StatePaths {
	const paths = emptyState();
	put(paths.profiles('main'), content);
	return paths;
}

function update(paths: StatePaths, change: (document: JsonObject) => void): Promise<void> {
	return updateCredentials(paths, 'main', change);
}

function stored(paths: StatePaths) {
	return JSON.parse(text(paths.profiles('main'))) as typeof rich;
}

describe('an update', () => {
	it('writes two-space JSON, known members first in their order, and ends with a line feed', async () => {
		const paths = stateWith(rich);
		await update(paths, document => edit.patchUsage(document, 'acme:a', {lastUsed: 6}));
		const written = stored(paths);
		const members = ['version', 'profiles', 'order', 'lastGood', 'usageStats', 'future'];
		expect(Object.keys(written)).toEqual(members);
		expect(text(paths.profiles('main'))).toBe(`${JSON.stringify(written, undefined, 2)}\n`);
		const usageStats = {...rich.usageStats, 'acme:a': {lastUsed: 6, quirk: 'kept'}};
		expect(written).toEqual({...rich, usageStats});
	});

	it('makes a private file in private folders, readable without it ever being there', async () => {
		const paths = emptyState();
		expect((await readCredentials(paths, 'main')).profiles.size).toBe(0);
		await update(paths, document => edit.putCredential(document, 'acme:a', apiKey));
		expect(stored(paths)).toEqual({version: 1, profiles: {'acme:a': apiKey}});
		expect(modeOf(paths.profiles('main'))).toBe('600');
		expect(exposed(paths.agents)).toEqual([]);
	});

	it('that changes nothing writes nothing', async () => {
		const paths = stateWith(JSON.stringify(rich));
		const before = statSync(paths.profiles('main'), {bigint: true});
		const result = await updateCredentials(paths, 'main', document => {
			edit.putCredential(document, 'acme:a', apiKey);
			edit.setOrder(document, 'acme', ['acme:b', 'acme:a']);
			edit.setOrder(document, 'nobody', undefined);
			return 'a result';
		});
		expect(result).toBe('a result');
		const after = statSync(paths.profiles('main'), {bigint: true});
		expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
		expect(names(paths.agentCredentials('main'))).toEqual(['auth-profiles.json']);
	});

	it('whose change throws writes nothing, and lets the next one in', async () => {
		const paths = stateWith(rich);
		const fail = (document: JsonObject) => {
			edit.removeProfile(document, 'acme:a');
			throw new Error('no');
		};
		await expect(update(paths, fail)).rejects.toThrow('no');
		expect(stored(paths)).toEqual(rich);
		await update(paths, document => edit.removeProfile(document, 'acme:a'));
		expect(Object.keys(stored(paths).profiles)).not.toContain('acme:a');
	});

	it('keeps the version before as a backup', async () => {
		const paths = stateWith(rich);
		await update(paths, document => edit.removeProfile(document, 'acme:a'));
		expect(JSON.parse(text(`${paths.profiles('main')}.bak`))).toEqual(rich);
	});

	it('writes nothing without the further lock that it depends on', async () => {
		const paths = stateWith(rich);
		const onlyWhile = await acquireLock(paths.locks, 'refresh-x');
		await onlyWhile?.release();
		const options = onlyWhile ? {onlyWhile} : {};
		const change = updateCredentials(
			paths,
			'main',
			document => edit.removeProfile(document, 'acme:a'),
			options,
		);
		await expect(change).rejects.toMatchObject({code: 'lock_lost'});
		expect(stored(paths)).toEqual(rich);
	});

	it('loses nothing when eight processes do it at the same time', async () => {
		const paths = stateWith(rich);
		const workers = await startWorkers<ProfilesWorker>(new URL('profiles-worker.ts', import.meta.url), 8);
		await Promise.all(workers.map((worker, index) => worker.call('add', paths.root, `w${index}`, 10)));
		const ids = Object.keys(stored(paths).profiles);
		const added = workers.flatMap((_, worker) =>
			Array.from({length: 10}, (_, turn) => `acme:w${worker}-${turn}`),
		);
		expect(ids.sort()).toEqual([...Object.keys(rich.profiles), ...added].sort());
		expect(exposed(paths.agents)).toEqual([]);
	}, 60_000);
});

describe('the members of an entry', () => {
	const oauth = {clientId: 'c', email: 'e', refresh: 'canary-r', expires: 5, access: 'canary-a'};
	const token = {token: 'canary-t', expires: 7, provider: 'acme', type: 'token'} as const;

	it.each([
		['a key', {email: 'e', key: 'canary-k', provider: 'acme', type: 'api_key'}, 'type provider key email'],
		['a token', token, 'type provider token expires'],
		[
			'an OAuth login',
			{...oauth, provider: 'acme', accountId: 'a', type: 'oauth'},
			'type provider access refresh expires accountId email clientId',
		],
	] as const)('of %s are written in the documented order', async (_, credential, order) => {
		const paths = emptyState();
		await update(paths, document => edit.putCredential(document, 'acme:a', credential));
		expect(Object.keys(stored(paths).profiles['acme:a']).join(' ')).toBe(order);
	});

	it.each([
		['another program', {expires: 5, colour: 'blue', token: 'canary-old', type: 'token', provider: 'acme'}],
		['an older one', {expires: 5, colour: 'blue', token: 'canary-old', mode: 'token', provider: 'acme'}],
	])('stay as %s has arranged them, what is new behind', async (_, present) => {
		const paths = stateWith({profiles: {'acme:a': present}});
		await update(paths, document => edit.putCredential(document, 'acme:a', {...token, email: 'e'}));
		expect(Object.keys(stored(paths).profiles['acme:a']).join(' ')).toBe(
			'expires colour token type provider email',
		);
	});
});

describe('usage of which nothing is known', () => {
	it('is not written, and no empty one is left', async () => {
		const paths = stateWith({profiles: {}});
		await update(paths, document => {
			edit.patchUsage(document, 'acme:a', {lastProven: undefined});
			edit.putCredential(document, 'acme:a', apiKey);
		});
		expect(stored(paths)).toEqual({version: 1, profiles: {'acme:a': apiKey}});
		const needsLogin = {since: 1, fingerprint: 'f', reason: 'invalid_grant'};
		for (const clear of [edit.clearRefusal, edit.clearFailures]) {
			await update(paths, document => edit.patchUsage(document, 'acme:a', {needsLogin}));
			await update(paths, document => clear(document, 'acme:a'));
			expect(stored(paths)).not.toHaveProperty('usageStats');
		}
	});
});

describe('members that are not known', () => {
	it('survive a new credential under a present id, whose old secrets do not', async () => {
		const paths = stateWith({
			...rich,
			profiles: {
				'acme:a': {mode: 'api_key', provider: 'acme', apiKey: 'canary-old', metadata: {team: 'kept'}},
			},
		});
		const credential = {type: 'token', provider: 'acme', token: 'canary-new'} as const;
		await update(paths, document => edit.putCredential(document, 'acme:a', credential));
		const expected = {...rich, profiles: {'acme:a': {...credential, metadata: {team: 'kept'}}}};
		expect(stored(paths)).toEqual(expected);
	});

	it('survive a rename, which reaches every place that names the profile', async () => {
		const paths = stateWith(rich);
		await update(paths, document => edit.renameProfile(document, 'acme:a', 'acme:new'));
		const written = stored(paths);
		const {'acme:a': renamed, ...others} = rich.profiles;
		const {'acme:a': usage, ...usages} = rich.usageStats;
		expect(written).toEqual({
			...rich,
			profiles: {'acme:new': renamed, ...others},
			order: {...rich.order, acme: ['acme:b', 'acme:new']},
			lastGood: {...rich.lastGood, acme: 'acme:new'},
			usageStats: {'acme:new': usage, ...usages},
		});
		expect(Object.keys(written.profiles)).toEqual(['acme:new', 'acme:b', 'acme:odd', 'other:x']);
	});

	it('survive a removal, which leaves nothing that names the profile', async () => {
		const paths = stateWith(rich);
		await update(paths, document => edit.removeProfile(document, 'acme:a'));
		const {'acme:a': _, ...profiles} = rich.profiles;
		const {'acme:a': __, ...usageStats} = rich.usageStats;
		const expected = {...rich, profiles, usageStats, lastGood: {other: 'other:x'}};
		expect(stored(paths)).toEqual({...expected, order: {...rich.order, acme: ['acme:b']}});
	});

	it('of an order whose only profile is removed do not keep later ones out', async () => {
		const paths = stateWith(rich);
		await update(paths, document => edit.removeProfile(document, 'other:x'));
		expect((await readCredentials(paths, 'main')).order.get('other')).toBeUndefined();
	});

	it('survive edits of the order, and the last order takes its member with it', async () => {
		const paths = stateWith(rich);
		await update(paths, document => edit.setOrder(document, 'acme', ['acme:a']));
		expect(stored(paths)).toEqual({...rich, order: {...rich.order, acme: ['acme:a']}});
		await update(paths, document => {
			edit.setOrder(document, 'acme', undefined);
			edit.setOrder(document, 'other', undefined);
		});
		const {order: _, ...others} = rich;
		expect(stored(paths)).toEqual(others);
	});

	it('survive the forgetting of failures', async () => {
		const failures = {
			errorCount: 2,
			cooldownUntil: 9,
			disabledUntil: 9,
			disabledReason: 'x',
			lastFailureAt: 1,
		};
		const kept = {lastUsed: 5, lastProven: {at: 5, outcome: 'login'}, quirk: 'kept'};
		const needsLogin = {fingerprint: 'f', since: 1, reason: 'invalid_grant'};
		const paths = stateWith({...rich, usageStats: {'acme:a': {...failures, needsLogin, ...kept}}});
		await update(paths, document => edit.clearFailures(document, 'acme:a'));
		expect(stored(paths).usageStats).toEqual({'acme:a': kept});
	});
});

describe('names that JavaScript treats otherwise', () => {
	const ids = ['__proto__', 'constructor', 'toString', 'acme:__proto__'];

	it.each(ids)('%s is a profile id like any other', async id => {
		const paths = emptyState();
		await update(paths, document => edit.putCredential(document, id, apiKey));
		await update(paths, document => edit.patchUsage(document, id, {lastUsed: 7}));
		expect(Object.keys(stored(paths).profiles)).toEqual([id]);
		const current = await readCredentials(paths, 'main');
		expect(current.profiles.get(id)).toEqual(apiKey);
		expect(current.usageStats.get(id)).toEqual({lastUsed: 7});
		await update(paths, document => edit.renameProfile(document, id, 'acme:b'));
		expect([...(await readCredentials(paths, 'main')).profiles.keys()]).toEqual(['acme:b']);
		await update(paths, document => edit.renameProfile(document, 'acme:b', id));
		await update(paths, document => edit.removeProfile(document, id));
		expect(stored(paths)).toEqual({version: 1, profiles: {}, usageStats: {}});
	});

	it.each(ids)('%s is a provider like any other', async provider => {
		const paths = emptyState();
		await update(paths, document => edit.setOrder(document, provider, ['acme:a']));
		expect([...(await readCredentials(paths, 'main')).order]).toEqual([[provider, ['acme:a']]]);
		await update(paths, document => edit.renameProfile(document, 'acme:a', 'acme:b'));
		expect([...(await readCredentials(paths, 'main')).order]).toEqual([[provider, ['acme:b']]]);
		await update(paths, document => edit.setOrder(document, provider, undefined));
		expect((await readCredentials(paths, 'main')).order.size).toBe(0);
		expect(Object.keys(Object.prototype)).toEqual([]);
	});

	it('that are absent are not found in an empty file', async () => {
		const current = await readCredentials(stateWith('{"profiles": {}, "usageStats": {}}'), 'main');
		for (const id of ids) expect(current.profiles.get(id)).toBeUndefined();
	});
});

describe('agents', () => {
	it('are those with a folder of an acceptable name, main first', () => {
		const paths = emptyState();
		expect(listAgentIds(paths)).toEqual(['main']);
		for (const name of ['zoe', 'Upper', '.hidden', 'adam']) put(join(paths.agents, name, 'x'), '');
		put(join(paths.agents, 'a-file'), '');
		expect(listAgentIds(paths)).toEqual(['main', 'adam', 'zoe']);
	});

	it('are removed with all that is in their folder, also when there is none', async () => {
		const paths = emptyState();
		put(paths.profiles('work'), rich);
		put(paths.profiles('main'), rich);
		await removeAgentFolder(paths, 'work');
		await removeAgentFolder(paths, 'nobody');
		expect(names(paths.agents)).toEqual(['main']);
		expect(names(paths.root)).toEqual(['agents', 'locks']);
	});

	it('whose file is a symbolic link are read and written through it', async () => {
		const [paths, elsewhere] = [emptyState(), stateWith(rich)];
		put(join(paths.agentCredentials('main'), 'x'), '');
		symlinkSync(elsewhere.profiles('main'), paths.profiles('main'));
		await update(paths, document => edit.removeProfile(document, 'acme:a'));
		expect(peekCredentials(elsewhere, 'main')?.profiles.has('acme:a')).toBe(false);
		expect(existsSync(`${elsewhere.profiles('main')}.bak`)).toBe(true);
	});
});
