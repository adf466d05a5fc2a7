import {EventEmitter, once} from 'node:events';
import {existsSync, mkdirSync, statSync} from 'node:fs';

import {afterAll, describe, expect, it, onTestFinished} from 'vitest';
import type {JsonObject} from '../../source/store/json.ts';
import {acquireLock} from '../../source/store/lock.ts';
import type {StatePaths} from '../../source/store/paths.ts';
import {removeAgentFolder} from '../../source/store/profiles.ts';
import {
	assertSessionKey,
	countCompaction,
	pinOf,
	readSessions,
	resetSession,
	type Session,
	setPin,
	unknownSession,
	updateSessions,
} from '../../source/store/sessions.ts';
import {watchState} from '../../source/store/watch.ts';
import {emptyState, exposed, modeOf, names, put, text} from '../support/state-folder.ts';
import {endWorkers, startWorkers} from '../support/workers.ts';
import type {SessionsWorker} from './sessions-worker.ts';

afterAll(endWorkers);

const stamp = {now: 1_800_000_000_000, sessionId: 'a-new-id'};
const pin = {profileId: 'acme:a', source: 'user'} as const;

/** What another program may have written: members and entries that are not known here. */
const rich = {
	'chat:1': {
		...{sessionId: 'one', updatedAt: 5, compactionCount: 2, quirk: {kept: [1, null]}},
		...{providerOverride: 'acme', modelOverride: 'm/1'},
		...{authProfileOverride: 'acme:a', authProfileOverrideSource: 'auto'},
		authProfileOverrideCompactionCount: 2,
	},
	'chat:2': {sessionId: 'two', updatedAt: 6},
	note: 'a text',
	list: ['kept'],
	nothing: null,
};

function stateWith(content: unknown): StatePaths {
	const paths = emptyState();
	put(paths.sessions('main'), content);
	return paths;
}

function update(paths: StatePaths, change: (document: JsonObject) => void): Promise<void> {
	return updateSessions(paths, 'main', change);
}

function stored(paths: StatePaths): Record<string, Record<string, unknown>> {
	return JSON.parse(text(paths.sessions('main')));
}

describe('reading', () => {
	it('gives the sessions by their keys, and leaves out what is none', async () => {
		const sessions = await readSessions(stateWith(rich), 'main');
		const {quirk: _, ...first} = rich['chat:1'];
		expect([...sessions]).toEqual([
			['chat:1', first],
			['chat:2', {...rich['chat:2'], compactionCount: 0}],
		]);
	});

	it('takes members of a wrong type for absent', async () => {
		const entry = {
			...{sessionId: 5, updatedAt: 'today', compactionCount: -1, providerOverride: '', modelOverride: {}},
			...{authProfileOverride: null, authProfileOverrideSource: 'moon'},
			authProfileOverrideCompactionCount: 1.5,
		};
		const sessions = await readSessions(stateWith({a: entry, b: {}}), 'main');
		expect([...sessions.values()]).toEqual([{compactionCount: 0}, {compactionCount: 0}]);
	});

	it('finds none where there is no file', async () => {
		expect((await readSessions(emptyState(), 'main')).size).toBe(0);
	});

	it.each(['', '{"chat:1": {"sessionId": "canary-', '["canary-x"]', '{"a": canary-x}'])(
		'%j fails, and an update leaves the file as it is',
		async content => {
			const paths = stateWith(content);
			await expect(readSessions(paths, 'main')).rejects.toMatchObject({
				code: 'store_damaged',
				message: expect.stringContaining(`${paths.sessions('main')} is not valid JSON (line 1`),
			});
			const change = update(paths, document => setPin(document, 'a', {pin}, stamp));
			await expect(change).rejects.toMatchObject({
				code: 'store_damaged',
				message: expect.not.stringContaining('canary'),
			});
			expect(text(paths.sessions('main'))).toBe(content);
			expect(names(paths.sessionsFolder('main'))).toEqual(['sessions.json']);
		},
	);
});

describe('an update', () => {
	it('makes a private file in a private folder', async () => {
		const paths = emptyState();
		await update(paths, document => setPin(document, 'chat:1', {pin}, stamp));
		expect(modeOf(paths.sessions('main'))).toBe('600');
		expect(modeOf(paths.sessionsFolder('main'))).toBe('700');
		expect(exposed(paths.agents)).toEqual([]);
	});

	it('keeps what is not known and the version before', async () => {
		const paths = stateWith(rich);
		await update(paths, document => setPin(document, 'chat:2', {pin}, stamp));
		const {'chat:2': changed, ...others} = stored(paths);
		const {'chat:2': before, ...othersBefore} = rich;
		expect(others).toEqual(othersBefore);
		expect(changed).toEqual({
			...before,
			updatedAt: stamp.now,
			authProfileOverride: 'acme:a',
			authProfileOverrideSource: 'user',
			authProfileOverrideCompactionCount: 0,
		});
		expect(Object.keys(stored(paths))).toEqual(Object.keys(rich));
		expect(JSON.parse(text(`${paths.sessions('main')}.bak`))).toEqual(rich);
	});

	it('that changes nothing writes nothing', async () => {
		const paths = stateWith(JSON.stringify(rich));
		const before = statSync(paths.sessions('main'), {bigint: true});
		const result = await updateSessions(paths, 'main', (document, current) => {
			const same = {
				model: {provider: 'acme', model: 'm/1'},
				pin: {profileId: 'acme:a', source: 'auto'},
			} as const;
			setPin(document, 'chat:1', same, stamp);
			setPin(document, 'chat:2', {model: null, pin: null}, stamp);
			setPin(document, 'chat:2', {}, stamp);
			return [...current.keys()];
		});
		expect(result).toEqual(['chat:1', 'chat:2']);
		const after = statSync(paths.sessions('main'), {bigint: true});
		expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
	});

	it('loses nothing when processes do it at the same time', async () => {
		const paths = stateWith(rich);
		const workers = await startWorkers<SessionsWorker>(new URL('sessions-worker.ts', import.meta.url), 3);
		await Promise.all(workers.map((worker, index) => worker.call('work', paths.root, `w${index}`, 10)));
		const added = workers.flatMap((_, worker) => Array.from({length: 10}, (_, turn) => `w${worker}-${turn}`));
		const written = stored(paths);
		expect(Object.keys(written).sort()).toEqual([...Object.keys(rich), ...added, 'shared'].sort());
		expect(written.shared?.compactionCount).toBe(30);
	}, 60_000);

	it('that is under way keeps its folder: who removes the agent waits', async () => {
		const paths = stateWith(rich);
		const lock = await acquireLock(paths.locks, 'sessions-main');
		const removal = removeAgentFolder(paths, 'main');
		// A removal that waits for nothing is over long before these are.
		for (let turn = 0; turn < 10; turn++) {
			await updateSessions(paths, 'other', document => countCompaction(document, 'a', stamp));
		}
		expect(existsSync(paths.sessions('main'))).toBe(true);
		await lock?.release();
		await removal;
		expect(existsSync(paths.agent('main'))).toBe(false);
	});
});

describe('an edit', () => {
	it('makes a session that there is not, with the id and the time that it is given', () => {
		const document: JsonObject = {};
		setPin(document, 'new', {model: {provider: 'acme', model: 'm'}}, stamp);
		countCompaction(document, 'other', stamp);
		expect(document).toEqual({
			new: {sessionId: 'a-new-id', providerOverride: 'acme', modelOverride: 'm', updatedAt: stamp.now},
			other: {sessionId: 'a-new-id', compactionCount: 1, updatedAt: stamp.now},
		});
	});

	it('of the pin leaves the model alone, and the other way round', () => {
		const document: JsonObject = structuredClone(rich);
		setPin(document, 'chat:1', {pin: null}, stamp);
		const {providerOverride, modelOverride, quirk} = rich['chat:1'];
		const common = {sessionId: 'one', compactionCount: 2, quirk, updatedAt: stamp.now};
		expect(document['chat:1']).toEqual({...common, providerOverride, modelOverride});
		setPin(document, 'chat:1', {pin}, stamp);
		setPin(document, 'chat:1', {model: null}, stamp);
		expect(document['chat:1']).toEqual({
			...common,
			authProfileOverride: 'acme:a',
			authProfileOverrideSource: 'user',
			authProfileOverrideCompactionCount: 2,
		});
	});

	it('that resets keeps what is not known and nothing else', () => {
		const document: JsonObject = structuredClone(rich);
		resetSession(document, 'chat:1', stamp);
		const {quirk} = rich['chat:1'];
		const fresh = {sessionId: 'a-new-id', updatedAt: stamp.now, compactionCount: 0};
		expect(document['chat:1']).toEqual({...fresh, quirk});
		resetSession(document, 'new', stamp);
		expect(document.new).toEqual(fresh);
	});

	it('counts compactions on, whatever stood there', () => {
		const document: JsonObject = {...structuredClone(rich), odd: {sessionId: 'x', compactionCount: 'two'}};
		for (const key of ['chat:1', 'chat:2', 'odd']) countCompaction(document, key, stamp);
		expect(document).toMatchObject({
			'chat:1': {sessionId: 'one', compactionCount: 3},
			'chat:2': {compactionCount: 1},
			odd: {compactionCount: 1},
		});
	});

	it.each(['__proto__', 'constructor', 'toString'])('takes %s for a key like any other', async key => {
		const paths = emptyState();
		await update(paths, document => setPin(document, key, {pin}, stamp));
		await update(paths, document => countCompaction(document, key, stamp));
		const session = (await readSessions(paths, 'main')).get(key);
		expect(session).toMatchObject({authProfileOverride: 'acme:a', compactionCount: 1});
		expect(Object.keys(stored(paths))).toEqual([key]);
		expect(Object.keys(Object.prototype)).toEqual([]);
	});
});

describe('the pin in force', () => {
	const auto = {authProfileOverride: 'acme:a', authProfileOverrideSource: 'auto'} as const;
	const user = {authProfileOverride: 'acme:a', authProfileOverrideSource: 'user'} as const;
	const noSource = {authProfileOverride: 'acme:a'};

	it.each<[string, Partial<Session>, 'auto' | 'user' | undefined]>([
		['none where no profile is named', {authProfileOverrideSource: 'user'}, undefined],
		['an automatic one of before counts were kept', auto, 'auto'],
		['an automatic one of this count', {...auto, compactionCount: 3, ...noted(3)}, 'auto'],
		['no automatic one of an earlier count', {...auto, compactionCount: 3, ...noted(2)}, undefined],
		['no automatic one of a later count', {...auto, compactionCount: 0, ...noted(1)}, undefined],
		['no automatic one that notes no count after a compaction', {...auto, compactionCount: 1}, undefined],
		["a person's, whatever was compacted", {...user, compactionCount: 3, ...noted(2)}, 'user'],
		["a person's that notes no count", {...user, compactionCount: 3}, 'user'],
		["a person's where neither source nor count is told", {...noSource, compactionCount: 3}, 'user'],
		['an automatic one where the count alone is told', {...noSource, ...noted(0)}, 'auto'],
		['none where that count is over', {...noSource, compactionCount: 1, ...noted(0)}, undefined],
	])('is %s', (_, members, source) => {
		const expected = source && {profileId: 'acme:a', source};
		expect(pinOf({compactionCount: 0, ...members})).toEqual(expected);
	});

	it('is void after a compaction unless a person chose it', async () => {
		const paths = emptyState();
		await update(paths, document => {
			for (const source of ['auto', 'user'] as const) {
				countCompaction(document, source, stamp);
				setPin(document, source, {pin: {profileId: 'acme:a', source}}, stamp);
			}
		});
		const pins = async () => [...(await readSessions(paths, 'main')).values()].map(pinOf);
		expect((await pins()).map(present => present?.source)).toEqual(['auto', 'user']);
		await update(paths, document => {
			for (const source of ['auto', 'user']) countCompaction(document, source, stamp);
		});
		expect((await pins()).map(present => present?.source)).toEqual([undefined, 'user']);
	});

	function noted(count: number) {
		return {authProfileOverrideCompactionCount: count};
	}
});

describe('a session key', () => {
	it.each(['a', 'agent:main:telegram:42', 'with spaces inside', '__proto__', '日本語 🦊', '🦊'.repeat(200)])(
		'%s is accepted',
		key => {
			expect(assertSessionKey(key)).toBe(key);
		},
	);

	it.each([
		['', 'empty'],
		['🦊'.repeat(201), 'longer'],
		[' a', 'white space'],
		['a\u00a0', 'white space'],
		['a\nb', 'cannot be seen'],
		['\u001b[31mcanary', 'cannot be seen'],
		['a\u202eb', 'cannot be seen'],
		['a\u2028b', 'cannot be seen'],
		['a\u0085b', 'cannot be seen'],
		['a\ud800b', 'cannot be seen'],
	])('%j is refused, without being quoted', (key, why) => {
		expect(() => assertSessionKey(key)).toThrow(
			expect.objectContaining({
				code: 'session_invalid_key',
				exitCode: 2,
				message: expect.stringContaining(why),
			}),
		);
		expect(() => assertSessionKey(key)).not.toThrow(/canary/);
	});

	it('that there is not is told with the command that lists them', () => {
		const error = unknownSession('work', 'chat:"1"');
		expect(error).toMatchObject({
			code: 'session_unknown',
			exitCode: 1,
			message: String.raw`The agent work has no session "chat:\"1\"".`,
			next: expect.stringContaining('jarvis sessions list --agent work'),
		});
	});
});

it.each([
	['', true],
	[', whose folder comes later', false],
])('a watcher hears of an agent’s sessions%s', async (_, isThere) => {
	const paths = emptyState();
	put(paths.profiles('main'), {});
	if (isThere) mkdirSync(paths.sessionsFolder('main'));
	const events = new EventEmitter();
	onTestFinished(watchState(paths, () => events.emit('change')));
	if (!isThere) {
		const heard = once(events, 'change');
		mkdirSync(paths.sessionsFolder('main'));
		await heard;
	}
	const heard = once(events, 'change');
	put(paths.sessions('main'), {});
	await heard;
});
