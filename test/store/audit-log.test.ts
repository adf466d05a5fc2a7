import {appendFileSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {afterEach, expect, it, onTestFinished, vi} from 'vitest';
import {type AuditEntry, appendAudit, auditLimits} from '../../source/store/audit-log.ts';
import {auditFiles, followAuditLog, type LoggedEntry, readAuditLog} from '../../source/store/audit-reader.ts';
import {asideLog, rotateAuditLog} from '../../source/store/audit-rotation.ts';
import type {StatePaths} from '../../source/store/paths.ts';
import {emptyState, modeOf, names, put, text} from '../support/state-folder.ts';
import {endWorkers, startWorker, startWorkers} from '../support/workers.ts';
import type {AuditWorker} from './audit-worker.ts';

afterEach(endWorkers);

const script = new URL('audit-worker.ts', import.meta.url);

const entry = (note: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
	...{at: 1_800_000_000_000, event: 'refreshed', by: 'test', pid: 1, note},
	...more,
});

const notes = (entries: readonly LoggedEntry[]) => entries.map(({note}) => note);
const all = (paths: StatePaths) => readAuditLog(paths, {}, Number.POSITIVE_INFINITY);

/** Puts the log aside as it is. */
const rotate = (paths: StatePaths) => rotateAuditLog(paths, {bytes: 0, kept: auditLimits.kept});

it('keeps whole lines in a file of its own, and makes the folder for it', () => {
	const paths = emptyState();
	appendAudit(paths, entry('one'));
	appendAudit(paths, entry('two', {agentId: 'main', count: 3}));
	expect(
		text(paths.auditLog)
			.split('\n')
			.slice(0, -1)
			.map(line => JSON.parse(line).note),
	).toEqual(['one', 'two']);
	expect([modeOf(paths.root), modeOf(paths.auditLog)]).toEqual(['700', '600']);
	expect(all(paths)).toEqual([entry('one'), entry('two', {agentId: 'main', count: 3})]);
});

it('never throws, whatever is in its way', () => {
	const paths = emptyState();
	mkdirSync(paths.auditLog, {recursive: true});
	appendAudit(paths, entry('nowhere'));
	const behindFile = emptyState();
	put(behindFile.root, 'a file');
	appendAudit(behindFile, entry('nowhere'));
	expect(text(behindFile.root)).toBe('a file');
});

it('reads back from the end, over chunks and files, only as far as is wanted', () => {
	const paths = emptyState();
	const long = 'ä'.repeat(40_000);
	for (let number = 0; number < 12; number++) {
		appendAudit(paths, entry(`${number} ${long}`, {at: 1000 * number, agentId: number % 2 ? 'odd' : 'even'}));
		if (number % 4 === 3) rotate(paths);
	}
	const numbers = (entries: readonly LoggedEntry[]) =>
		entries.map(({note = ''}) => Number.parseInt(note, 10));
	expect(numbers(all(paths))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
	expect(numbers(readAuditLog(paths, {}, 3))).toEqual([9, 10, 11]);
	expect(numbers(readAuditLog(paths, {agentId: 'odd', since: 5000}, 100))).toEqual([5, 7, 9, 11]);
	expect(numbers(readAuditLog(paths, {events: ['login']}, 100))).toEqual([]);
	// The limit ends it: what lies before is not even looked at.
	writeFileSync(asideLog(paths, 2), 'not json\n');
	expect(numbers(readAuditLog(paths, {}, 4))).toEqual([8, 9, 10, 11]);
});

it('finds the entry behind a line that was cut off, and none in what is no entry', () => {
	const paths = emptyState();
	appendAudit(paths, entry('whole'));
	appendFileSync(paths.auditLog, text(paths.auditLog).slice(0, 40));
	appendAudit(paths, entry('behind it, with {"at":1} in its words'));
	appendFileSync(paths.auditLog, '\nnull\n{"at":"soon"}\n{"at":1,"event":"x"}\n\u0000\u0000');
	expect(notes(all(paths))).toEqual(['whole', 'behind it, with {"at":1} in its words']);
});

it('drops the oldest log beyond those that are kept', async () => {
	const paths = emptyState();
	for (let number = 0; number < 5; number++) {
		appendAudit(paths, entry(String(number)));
		rotateAuditLog(paths, {bytes: 1, kept: 3});
	}
	expect(notes(all(paths))).toEqual(['2', '3', '4']);
	expect(names(paths.root)).toEqual(['audit.jsonl.1', 'audit.jsonl.2', 'audit.jsonl.3', 'locks']);
	rotateAuditLog(paths, {bytes: 1, kept: 3});
	expect(notes(all(paths))).toEqual(['2', '3', '4']);
});

it('loses and tears no line while 8 processes append and put the log aside', async () => {
	const paths = emptyState();
	const workers = await startWorkers<AuditWorker>(script, 8);
	const each = 2000;
	const seen: string[] = [];
	const follower = followAuditLog(paths, entries => seen.push(...entries.map(({note = ''}) => note)));
	onTestFinished(() => follower.stop());
	// Eight that are put aside hold all that is written here.
	await Promise.all(
		workers.map(worker => worker.call('append', paths.root, each, {bytes: 700_000, kept: 8})),
	);
	const wanted = workers.flatMap(({pid}) =>
		Array.from({length: each}, (_, number) => `${pid} ${number} ${'x'.repeat(number % 300)}`),
	);
	const files = auditFiles(paths);
	expect(files.length).toBeGreaterThan(3);
	const lines = files.flatMap(file => readFileSync(file, 'utf8').split('\n').slice(0, -1));
	expect(lines.map(line => JSON.parse(line).note).sort()).toEqual([...wanted].sort());
	expect(notes(all(paths)).sort()).toEqual([...wanted].sort());
	// Who follows has seen each once, over all of the files.
	await vi.waitFor(() => expect(seen).toHaveLength(wanted.length), {timeout: 10_000});
	expect(seen.sort()).toEqual([...wanted].sort());
});

it.each([0, 1, 2, 3])('a process killed after %i renames of a rotation costs no line', async renames => {
	const paths = emptyState();
	for (let number = 0; number < 4; number++) {
		appendAudit(paths, entry(String(number)));
		if (number < 3) rotate(paths);
	}
	const before = notes(all(paths));
	const worker = await startWorker<AuditWorker>(script);
	worker.call('dieAfterRenames', paths.root, renames, {bytes: 1, kept: 8}).catch(() => {});
	expect((await worker.gone).signal).toBe('SIGKILL');
	appendAudit(paths, entry('after it'));
	rotate(paths);
	appendAudit(paths, entry('at last'));
	const after = notes(all(paths));
	expect(after.slice(0, 4)).toEqual(before);
	expect(after.slice(-2)).toEqual(['after it', 'at last']);
	expect(after).toHaveLength(7);
});

it('processes that are killed while they append leave whole lines, and the log goes on', async () => {
	const paths = emptyState();
	const workers = await startWorkers<AuditWorker>(script, 3);
	for (const worker of workers) {
		worker.call('appendForEver', paths.root, {bytes: 300_000, kept: 8}).catch(() => {});
	}
	await vi.waitFor(() => expect(auditFiles(paths).length).toBeGreaterThan(2), {timeout: 20_000});
	await endWorkers();
	appendAudit(paths, entry('the last one'));
	const perWorker = new Map<string, number>();
	for (const note of notes(all(paths)).slice(0, -1)) {
		const [pid = '', number] = (note ?? '').split(' ');
		// Each process's own are in the order in which it wrote them.
		expect(Number(number)).toBe(((perWorker.get(pid) ?? Number(number) - 1) + 1) % 10);
		perWorker.set(pid, Number(number));
	}
	expect(perWorker.size).toBe(3);
	expect(notes(all(paths)).at(-1)).toBe('the last one');
});

it('who follows begins with what there was, and hears each later entry once, across rotations', async () => {
	const paths = emptyState();
	appendAudit(paths, entry('before 1'));
	appendAudit(paths, entry('before 2'));
	const seen: (string | undefined)[] = [];
	const follower = followAuditLog(paths, entries => seen.push(...notes(entries)));
	onTestFinished(() => follower.stop());
	appendAudit(paths, entry('after 1'));
	rotate(paths);
	appendAudit(paths, entry('after 2'));
	rotate(paths);
	// A process that had opened the log before it was put aside.
	appendFileSync(asideLog(paths, 1), `${JSON.stringify(entry('late'))}\n`);
	expect(notes(follower.before({}, 100))).toEqual(['before 1', 'before 2']);
	await vi.waitFor(() => expect(seen).toHaveLength(3));
	expect(seen).toEqual(['after 1', 'after 2', 'late']);
	appendFileSync(asideLog(paths, 1), `${JSON.stringify(entry('later still'))}\n`);
	appendAudit(paths, entry('after 3'));
	await vi.waitFor(() => expect(seen).toHaveLength(5));
	expect(seen.slice(3).sort()).toEqual(['after 3', 'later still']);
	follower.stop();
	appendAudit(paths, entry('unheard'));
	expect(seen).toHaveLength(5);
});

it('follows a log that is not there yet', async () => {
	const paths = emptyState();
	const seen: (string | undefined)[] = [];
	const follower = followAuditLog(paths, entries => seen.push(...notes(entries)));
	onTestFinished(() => follower.stop());
	expect(follower.before({}, 10)).toEqual([]);
	appendAudit(paths, entry('the first one'));
	await vi.waitFor(() => expect(seen).toEqual(['the first one']));
});

it('a log that cannot be put aside goes on growing', async () => {
	const paths = emptyState();
	put(paths.locks, 'no folder');
	const limits = {bytes: 10, kept: 2};
	appendAudit(paths, entry('one'), limits);
	await new Promise(setImmediate);
	appendAudit(paths, entry('two'), limits);
	expect(notes(all(paths))).toEqual(['one', 'two']);
});
