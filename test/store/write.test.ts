import {
	chmodSync,
	existsSync,
	mkdirSync,
	readlinkSync,
	rmSync,
	statSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {setTimeout} from 'node:timers/promises';
import {afterAll, afterEach, describe, expect, it} from 'vitest';
import {asJarvisError} from '../../source/errors.ts';
import {putCredential} from '../../source/store/edit.ts';
import {statePaths} from '../../source/store/paths.ts';
import {updateCredentials} from '../../source/store/profiles.ts';
import {backupPaths, ensurePrivateFolder, makePrivate, writeDurably} from '../../source/store/write.ts';
import {exposed, modeOf, names, put, temporaryFolder, text} from '../support/state-folder.ts';
import {endWorkers, startWorker} from '../support/workers.ts';
import {fill, mount, mountSmall, unmountAll} from './mounts.ts';
import type {WriteWorker} from './write-worker.ts';

const usualUmask = process.umask();

afterEach(() => {
	process.umask(usualUmask);
	unmountAll();
});

afterAll(endWorkers);

function caught(act: () => void): unknown {
	try {
		act();
	} catch (error) {
		return error;
	}
	throw new Error('Nothing was thrown.');
}

describe('a written file', () => {
	it.each([0o000, 0o002, 0o022, 0o077])('is private, and its new folders too, at umask %o', umask => {
		process.umask(umask);
		const folder = join(temporaryFolder(), 'a');
		const file = join(folder, 'b', 'file');
		writeDurably(file, 'canary');
		expect([folder, join(folder, 'b'), file].map(modeOf)).toEqual(['700', '700', '600']);
	});

	it.each([0o277, 0o777])('can be read and written by its owner at umask %o', umask => {
		const file = join(temporaryFolder(), 'file');
		process.umask(umask);
		writeDurably(file, 'canary');
		expect(modeOf(file)).toBe('600');
	});

	it('is private although the one before was not', () => {
		const file = join(temporaryFolder(), 'file');
		writeFileSync(file, 'old', {mode: 0o644});
		writeDurably(file, 'new');
		expect(modeOf(file)).toBe('600');
	});

	it('replaces what was there, and is a new file', () => {
		const file = join(temporaryFolder(), 'file');
		put(file, 'a longer text than the next one');
		const before = statSync(file).ino;
		writeDurably(file, 'näxt ✔\n');
		expect(text(file)).toBe('näxt ✔\n');
		expect(statSync(file).ino).not.toBe(before);
		expect(names(join(file, '..'))).toEqual(['file']);
	});

	it('is written through a symbolic link, which stays one', () => {
		const folder = temporaryFolder();
		const [link, target] = [join(folder, 'link'), join(folder, 'elsewhere', 'target')];
		put(target, 'old');
		symlinkSync(target, link);
		writeDurably(link, 'new', {backup: true});
		expect(readlinkSync(link)).toBe(target);
		expect(text(target)).toBe('new');
		expect(names(folder)).toEqual(['elsewhere', 'link']);
		expect(text(`${target}.bak`)).toBe('old');
	});

	it('is written through a symbolic link that leads to nothing yet', () => {
		const folder = temporaryFolder();
		const [link, target] = [join(folder, 'link'), join(folder, 'target')];
		symlinkSync(target, link);
		writeDurably(link, 'new');
		expect(readlinkSync(link)).toBe(target);
		expect(text(target)).toBe('new');
	});
});

describe('backups', () => {
	it('are the three versions before, newest first', () => {
		const file = join(temporaryFolder(), 'file');
		for (const version of ['1', '2', '3', '4', '5']) writeDurably(file, version, {backup: true});
		expect(text(file)).toBe('5');
		expect(backupPaths(file).map(text)).toEqual(['4', '3', '2']);
		expect(names(join(file, '..'))).toEqual(['file', 'file.bak', 'file.bak.1', 'file.bak.2']);
	});

	it('are not made of the first version, nor without being asked for', () => {
		const file = join(temporaryFolder(), 'file');
		writeDurably(file, '1', {backup: true});
		writeDurably(file, '2');
		expect(names(join(file, '..'))).toEqual(['file']);
	});

	it('are private although the file was not', () => {
		const file = join(temporaryFolder(), 'file');
		writeFileSync(file, 'canary', {mode: 0o644});
		writeDurably(file, 'new', {backup: true});
		expect(modeOf(`${file}.bak`)).toBe('600');
	});
});

describe('what a killed write left', () => {
	it('is removed when it is old, and only then', () => {
		const folder = temporaryFolder();
		const file = join(folder, 'file');
		const old = ['file.1-aa.tmp', 'other.1-aa.tmp', 'file.bak', 'file.tmp.mine'];
		for (const name of [...old, 'file.2-bb.tmp']) writeFileSync(join(folder, name), 'canary');
		const anHourAgo = Date.now() / 1000 - 3600;
		for (const name of old) utimesSync(join(folder, name), anHourAgo, anHourAgo);
		writeDurably(file, 'new');
		expect(names(folder)).toEqual(['file', 'file.2-bb.tmp', 'file.bak', 'file.tmp.mine', 'other.1-aa.tmp']);
	});
});

describe('a write that fails', () => {
	it('leaves what is there when it cannot be replaced', () => {
		const file = join(temporaryFolder(), 'file');
		mkdirSync(join(file, 'inside'), {recursive: true});
		expect(caught(() => writeDurably(file, 'new'))).toMatchObject({code: expect.stringMatching(/^E/)});
		expect(names(file)).toEqual(['inside']);
		expect(names(join(file, '..'))).toEqual(['file']);
	});

	it('leaves the old file when it is a mount of its own, as in a container', context => {
		const file = join(temporaryFolder(), 'file');
		put(file, 'old');
		if (!mount(file, '--bind', file)) context.skip('Mounting is not permitted here.');
		const error = caught(() => writeDurably(file, 'new'));
		expect(error).toMatchObject({code: 'EBUSY'});
		expect(text(file)).toBe('old');
		expect(names(join(file, '..'))).toEqual(['file']);
	});

	it('leaves the old file whole when the disk is full', context => {
		const folder = temporaryFolder();
		if (!mountSmall(folder)) context.skip('Mounting is not permitted here.');
		const file = join(folder, 'file');
		const old = 'o'.repeat(30_000);
		writeDurably(file, old, {backup: true});
		const error = caught(() => writeDurably(file, 'n'.repeat(50_000), {backup: true}));
		expect(error).toMatchObject({code: 'ENOSPC'});
		expect(asJarvisError(error)).toMatchObject({code: 'store_full', exitCode: 1});
		expect(text(file)).toBe(old);
		expect(names(folder)).toEqual(['file']);
		writeDurably(file, 'less', {backup: true});
		expect(text(file)).toBe('less');
	});

	it('leaves a store as it was when not even a lock can be written', async context => {
		const folder = temporaryFolder();
		if (!mountSmall(folder)) context.skip('Mounting is not permitted here.');
		const paths = statePaths(join(folder, 'state'));
		const update = (id: string) =>
			updateCredentials(paths, 'main', document => {
				putCredential(document, id, {type: 'api_key', provider: 'acme', key: 'canary'});
			});
		await update('acme:a');
		const filler = fill(folder);
		const before = text(paths.profiles('main'));
		const error = await update('acme:b').catch(asJarvisError);
		expect(error).toMatchObject({code: 'store_full'});
		expect(text(paths.profiles('main'))).toBe(before);
		expect(names(paths.agentCredentials('main'))).toEqual(['auth-profiles.json']);
		rmSync(filler);
		await update('acme:b');
		expect(text(paths.profiles('main'))).toContain('acme:b');
	});
});

describe('a process that is killed while it writes', () => {
	it('leaves the one or the other version whole, and nothing that others can read', async () => {
		const documents = ['a', 'b'].map(letter => `${letter.repeat(200_000)}\n`) as [string, string];
		const kill = async (folder: string) => {
			const file = join(folder, 'state', 'file');
			const worker = await startWorker<WriteWorker>(new URL('write-worker.ts', import.meta.url));
			await worker.call('alternate', file, documents);
			await setTimeout(Math.random() * 10);
			worker.signal('SIGKILL');
			await worker.gone;
			const versions = [file, ...backupPaths(file).filter(path => existsSync(path))];
			return versions.filter(version => !documents.includes(text(version)));
		};
		const lanes = await Promise.all(
			Array.from({length: 3}, async () => {
				const folder = temporaryFolder();
				chmodSync(folder, 0o700);
				const torn: string[] = [];
				for (let turn = 0; turn < 50; turn++) torn.push(...(await kill(folder)));
				return {
					torn,
					exposed: exposed(folder),
					unfinished: names(join(folder, 'state')).filter(isUnfinished),
				};
			}),
		);
		expect(lanes.flatMap(({torn}) => torn)).toEqual([]);
		expect(lanes.flatMap(({exposed}) => exposed)).toEqual([]);
		// Else the kills would not have met the writes.
		expect(lanes.flatMap(({unfinished}) => unfinished).length).toBeGreaterThan(0);
	}, 60_000);
});

function isUnfinished(name: string): boolean {
	return name.endsWith('.tmp');
}

describe('a folder', () => {
	it('that is there already keeps its rights', () => {
		const folder = temporaryFolder();
		chmodSync(folder, 0o750);
		ensurePrivateFolder(folder);
		expect(modeOf(folder)).toBe('750');
	});

	it('is made with all that are missing above it, and what stands in its place is told', () => {
		const folder = join(temporaryFolder(), 'a', 'b', 'c');
		ensurePrivateFolder(folder);
		expect(modeOf(folder)).toBe('700');
		put(join(folder, 'file'), '');
		symlinkSync('nowhere', join(folder, 'link'));
		for (const [path, code] of [
			[join(folder, 'file'), 'store_inaccessible'],
			[join(folder, 'file', 'below'), 'ENOTDIR'],
			[join(folder, 'link'), 'store_inaccessible'],
			[join(folder, 'link', 'below'), 'store_inaccessible'],
		]) {
			expect(caught(() => ensurePrivateFolder(path ?? ''))).toMatchObject({code});
		}
	});

	it('or a file loses every right of others when it is made private', () => {
		const file = join(temporaryFolder(), 'file');
		writeFileSync(file, '');
		chmodSync(file, 0o755);
		expect(makePrivate(file)).toBe(true);
		expect(modeOf(file)).toBe('700');
		expect(makePrivate(file)).toBe(false);
	});
});
