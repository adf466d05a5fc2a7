import {join} from 'node:path';
import {setImmediate} from 'node:timers/promises';
import {afterAll, describe, expect, it} from 'vitest';
import type {StatePaths} from '../../source/store/paths.ts';
import {
	addPending,
	claimPending,
	completePending,
	dropPending,
	listPending,
	loginWaitMs,
	type PendingLogin,
	readCompletion,
	unclaimPending,
	watchPending,
} from '../../source/store/pending-logins.ts';
import {emptyState, exposed, names, put} from '../support/state-folder.ts';
import {endWorkers, startWorkers} from '../support/workers.ts';
import {touch} from './lock-helpers.ts';
import type {PendingWorker} from './pending-worker.ts';

afterAll(endWorkers);

function login(id: string): PendingLogin {
	return {
		...{id, state: `canary-state-${id}`, verifier: `canary-verifier-${id}`},
		...{redirectUri: 'http://127.0.0.1:1455/auth/callback', providerId: 'acme', agentId: 'main'},
	};
}

function stateWith(...ids: string[]): StatePaths {
	const paths = emptyState();
	for (const id of ids) addPending(paths, login(id));
	return paths;
}

describe('a waiting login', () => {
	it('is known to all processes, private, until it is dropped', () => {
		const paths = emptyState();
		expect(listPending(paths)).toEqual([]);
		const named = {...login('b'), profileId: 'acme:b'};
		addPending(paths, login('a'));
		addPending(paths, named);
		expect(listPending(paths)).toEqual([login('a'), named]);
		expect(exposed(paths.root)).toEqual([]);
		dropPending(paths, 'a');
		expect(listPending(paths)).toEqual([named]);
		dropPending(paths, 'b');
		dropPending(paths, 'b');
		expect(names(paths.pendingLogins)).toEqual([]);
	});

	it('that is claimed waits no more, and no other can claim it', () => {
		const paths = stateWith('a', 'b');
		expect(claimPending(paths, 'a')).toBe(true);
		expect(claimPending(paths, 'a')).toBe(false);
		expect(listPending(paths)).toEqual([login('b')]);
		expect(claimPending(paths, 'nobody')).toBe(false);
	});

	it('that is given back waits again', () => {
		const paths = stateWith('a');
		claimPending(paths, 'a');
		unclaimPending(paths, 'a');
		expect(listPending(paths)).toEqual([login('a')]);
		expect(claimPending(paths, 'a')).toBe(true);
	});

	it('that was dropped meanwhile does not come back', () => {
		const paths = stateWith('a');
		claimPending(paths, 'a');
		dropPending(paths, 'a');
		unclaimPending(paths, 'a');
		expect(listPending(paths)).toEqual([]);
	});

	it('that another process finished tells how', () => {
		const paths = stateWith('a');
		expect(readCompletion(paths, 'a')).toBeUndefined();
		claimPending(paths, 'a');
		completePending(paths, 'a', {profileId: 'acme:b'});
		expect(readCompletion(paths, 'a')).toEqual({profileId: 'acme:b'});
		expect(names(paths.pendingLogins)).toEqual(['a.done']);
		dropPending(paths, 'a');
		expect(names(paths.pendingLogins)).toEqual([]);
	});

	it('whose file is damaged or of another form is left out', () => {
		const paths = stateWith('a');
		put(join(paths.pendingLogins, 'b.waiting'), '{"id": "b"');
		put(join(paths.pendingLogins, 'c.waiting'), {...login('c'), verifier: ''});
		put(join(paths.pendingLogins, 'd.waiting'), '');
		expect(listPending(paths)).toEqual([login('a')]);
	});

	it('is claimed by one of eight processes only', async () => {
		const ids = Array.from({length: 50}, (_, index) => `login-${index}`);
		const paths = stateWith();
		const workers = await startWorkers<PendingWorker>(new URL('pending-worker.ts', import.meta.url), 8);
		const claiming = workers.map(worker => worker.call('claim', paths.root, ids));
		for (const id of ids) {
			// All eight are there when it appears.
			await setImmediate();
			addPending(paths, login(id));
		}
		expect((await Promise.all(claiming)).flat().sort()).toEqual(ids.sort());
	});
});

describe('logins that nobody finished', () => {
	it('are removed with their secrets when the next one begins, and only when they are outdated', () => {
		const paths = stateWith('claimed', 'waiting', 'recent');
		claimPending(paths, 'claimed');
		put(join(paths.pendingLogins, 'done.done'), {profileId: 'acme:a'});
		for (const name of ['claimed.claimed', 'waiting.waiting', 'done.done']) {
			touch(join(paths.pendingLogins, name), -loginWaitMs - 1000);
		}
		touch(join(paths.pendingLogins, 'recent.waiting'), -loginWaitMs + 60_000);
		addPending(paths, login('next'));
		expect(names(paths.pendingLogins)).toEqual(['next.waiting', 'recent.waiting']);
	});
});

describe('watching', () => {
	it('notices that a login moved on, and ends when it is told to', async () => {
		const paths = stateWith('a');
		const noticed = Promise.withResolvers<void>();
		const unwatch = watchPending(paths, noticed.resolve);
		completePending(paths, 'a', {profileId: 'acme:b'});
		await noticed.promise;
		unwatch();
	});
});
