import {mkdirSync, readFileSync, rmSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {decodeConfig} from '../../source/store/config.ts';
import {statePaths} from '../../source/store/paths.ts';
import {openTextfile} from '../../source/watch/textfile.ts';
import {apiKey, minute, noon, second} from '../screens/state.ts';
import {metricsIn} from '../support/metrics.ts';
import {temporaryFolder} from '../support/state-folder.ts';
import {agentOf} from '../ui/state-of.ts';

const paths = statePaths('/nowhere/state');

/** A look at one profile, after so long (ms). */
function lookAfter(ms: number, profile = 'acme:a') {
	const agents = [agentOf('main', {profiles: {[profile]: apiKey('acme')}})];
	const snapshot = {agents, defaultAgent: 'main', config: decodeConfig({}), problems: []};
	return {watched: {snapshot, warnMs: []}, now: noon + ms, events: [], refreshOf: () => undefined};
}

test('is written at each change, and where there is none often enough to show that somebody looks', () => {
	const file = join(temporaryFolder(), 'jarvis.prom');
	const textfile = openTextfile({paths, tell: expect.fail}, file);
	const written = (...look: Parameters<typeof lookAfter>) => {
		textfile.write(lookAfter(...look));
		const [[, at = 0] = []] =
			metricsIn(readFileSync(file, 'utf8')).get('jarvis_watch_timestamp_seconds') ?? [];
		return at * 1000 - noon;
	};
	expect([written(0), written(second), written(second, 'acme:b'), written(minute, 'acme:b')]).toEqual([
		...[0, 0, second, minute],
	]);
	// The clock was set back.
	expect(written(-minute, 'acme:b')).toBe(-minute);
});

test('what keeps it from being written is told once, and tried again', () => {
	const folder = join(temporaryFolder(), 'collector');
	mkdirSync(folder);
	const told: string[] = [];
	const textfile = openTextfile({paths, tell: text => told.push(text)}, join(folder, 'jarvis.prom'));
	rmSync(folder, {recursive: true});
	textfile.write(lookAfter(0));
	textfile.write(lookAfter(minute));
	expect(told).toEqual([expect.stringContaining(`There is no folder ${folder}`)]);
	mkdirSync(folder);
	textfile.write(lookAfter(minute));
	expect(metricsIn(readFileSync(join(folder, 'jarvis.prom'), 'utf8')).size).toBeGreaterThan(5);
});

test('is not where nobody else may read it', () => {
	const root = temporaryFolder();
	const outside = temporaryFolder();
	symlinkSync(join(root, 'jarvis.prom'), join(outside, 'file.prom'));
	symlinkSync(root, join(outside, 'folder'));
	for (const file of [
		join(root, 'jarvis.prom'),
		join(outside, 'file.prom'),
		join(outside, 'folder', 'jarvis.prom'),
	]) {
		const inState = () => openTextfile({paths: statePaths(root), tell: expect.fail}, file);
		expect(inState, file).toThrow(/is in the state folder, which nobody else may read/);
	}
});
