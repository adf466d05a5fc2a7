import {appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, describe, expect, it, onTestFinished} from 'vitest';
import {asJarvisError} from '../../source/errors.ts';
import {type StatePaths, statePaths} from '../../source/store/paths.ts';
import {
	type KeptReply,
	openReplySlot,
	type ReplySlot,
	readKeptReplies,
} from '../../source/store/reply-slot.ts';
import {emptyState, exposed, modeOf, names, temporaryFolder} from '../support/state-folder.ts';
import {fill, mountSmall, unmountAll} from './mounts.ts';

afterEach(unmountAll);

function replyOf(spent: string, access = 'canary-access'): KeptReply {
	return {
		spent,
		startedAt: 5,
		credential: {
			type: 'oauth',
			provider: 'acme',
			access,
			refresh: 'canary-refresh',
			expires: 7,
			expiresIn: 60,
		},
	};
}

function open(paths: StatePaths): ReplySlot {
	const slot = openReplySlot(paths, 'identity');
	onTestFinished(() => slot.close());
	return slot;
}

function slotOf({journal}: StatePaths): string {
	return join(journal, 'identity.reply');
}

function isBlank(paths: StatePaths): boolean {
	return readFileSync(slotOf(paths)).every(byte => byte === 0);
}

describe('a reply slot', () => {
	it('that is not there holds nothing', () => {
		expect(readKeptReplies(emptyState(), 'identity')).toEqual([]);
	});

	it('has its room from the start, for its owner alone', () => {
		const paths = emptyState();
		const slot = open(paths);
		expect(slot.kept).toEqual([]);
		expect(readFileSync(slotOf(paths))).toHaveLength(8192);
		expect(isBlank(paths)).toBe(true);
		expect(modeOf(slotOf(paths))).toBe('600');
		expect(exposed(paths.root)).toEqual([]);
		expect(names(paths.journal)).toEqual(['identity.reply']);
	});

	it('gives back what was kept, to every process, and nothing of it once it is cleared', () => {
		const paths = emptyState();
		open(paths).keep(replyOf('fingerprint-1'));
		expect(readFileSync(slotOf(paths))).toHaveLength(8192);
		expect(readKeptReplies(paths, 'identity')).toEqual([replyOf('fingerprint-1')]);
		const later = open(paths);
		const [kept] = later.kept;
		if (kept) later.clear(kept);
		expect(later.kept).toEqual([]);
		expect(isBlank(paths)).toBe(true);
	});

	it('grows for a reply that is longer, and is as blank as before when it is cleared', () => {
		const paths = emptyState();
		const slot = open(paths);
		const long = replyOf('fingerprint-1', 'canary'.repeat(5000));
		slot.keep(long);
		expect(readKeptReplies(paths, 'identity')).toEqual([long]);
		slot.clear(long);
		expect(isBlank(paths)).toBe(true);
		expect(readKeptReplies(paths, 'identity')).toEqual([]);
	});

	it.each([8191, 8192, 8193])('takes a reply of %s bytes', bytes => {
		const paths = emptyState();
		const frame = JSON.stringify({version: 1, ...replyOf('fingerprint-1', '')}).length;
		const reply = replyOf('fingerprint-1', 'x'.repeat(bytes - frame));
		open(paths).keep(reply);
		const slot = open(paths);
		slot.keep(replyOf('fingerprint-2'));
		expect(readKeptReplies(paths, 'identity')).toEqual([reply, replyOf('fingerprint-2')]);
	});

	it('keeps a second one beside the first, and clears each by itself', () => {
		const paths = emptyState();
		const long = replyOf('fingerprint-1', 'canary'.repeat(2000));
		open(paths).keep(long);
		const slot = open(paths);
		slot.keep(replyOf('fingerprint-2'));
		const [first] = slot.kept;
		if (first) slot.clear(first);
		expect(readKeptReplies(paths, 'identity')).toEqual([replyOf('fingerprint-2')]);
		expect(open(paths).kept).toEqual([replyOf('fingerprint-2')]);
	});

	it('keeps a secret that is no plain text', () => {
		const paths = emptyState();
		const reply = replyOf('fingerprint-1', 'canary-ø\u0000"\\-end');
		open(paths).keep(reply);
		expect(readKeptReplies(paths, 'identity')).toEqual([reply]);
	});
});

describe('what counts as nothing, and is overwritten', () => {
	it.each<[string, (file: string) => void]>([
		['a reply that was cut off', file => writeFileSync(file, readFileSync(file).fill(0, 60))],
		['a reply whose beginning is missing', file => writeFileSync(file, readFileSync(file).fill(0, 0, 60))],
		['a file that was cut off', file => truncateSync(file, 60)],
		['a text of another kind', file => writeFileSync(file, 'canary')],
		['JSON of another kind', file => writeFileSync(file, '{"spent": "fingerprint-1", "startedAt": 1}')],
		[
			'a credential of another kind',
			file =>
				writeFileSync(
					file,
					JSON.stringify({
						spent: 'f',
						startedAt: 1,
						credential: {type: 'api_key', provider: 'acme', key: 'canary'},
					}),
				),
		],
	])('%s', (_, spoil) => {
		const paths = emptyState();
		open(paths).keep(replyOf('fingerprint-1'));
		spoil(slotOf(paths));
		expect(readKeptReplies(paths, 'identity')).toEqual([]);
		const slot = open(paths);
		expect(isBlank(paths)).toBe(true);
		slot.keep(replyOf('fingerprint-2'));
		expect(readKeptReplies(paths, 'identity')).toEqual([replyOf('fingerprint-2')]);
	});

	it('what stands behind a reply, which stays', () => {
		const paths = emptyState();
		open(paths).keep(replyOf('fingerprint-1'));
		appendFileSync(slotOf(paths), 'canary-torn');
		open(paths);
		expect(readFileSync(slotOf(paths), 'utf8')).not.toContain('canary-torn');
		expect(readKeptReplies(paths, 'identity')).toEqual([replyOf('fingerprint-1')]);
	});
});

describe('on a disk that is full', () => {
	it('a slot cannot be opened, but one that is open keeps its reply', context => {
		const folder = temporaryFolder();
		if (!mountSmall(folder)) context.skip('Mounting is not permitted here.');
		const paths = statePaths(folder);
		const slot = open(paths);
		const filler = fill(folder);
		expect(() => openReplySlot(paths, 'other')).toThrow(expect.objectContaining({code: 'ENOSPC'}));
		slot.keep(replyOf('fingerprint-1'));
		expect(readKeptReplies(paths, 'identity')).toEqual([replyOf('fingerprint-1')]);
		const error = (() => {
			try {
				slot.keep(replyOf('fingerprint-2', 'canary'.repeat(5000)));
				return undefined;
			} catch (thrown) {
				return asJarvisError(thrown);
			}
		})();
		expect(error).toMatchObject({code: 'store_full'});
		expect(readKeptReplies(paths, 'identity')).toEqual([replyOf('fingerprint-1')]);
		rmSync(filler);
	});
});
