import {existsSync, rmSync} from 'node:fs';
import * as v from 'valibot';
import {JarvisError, shellWord} from '../../errors.ts';
import {readTextIfThere, tryParseJson} from '../../store/json.ts';
import {type HeldLock, withLock} from '../../store/lock.ts';
import {isAgentId, type StatePaths} from '../../store/paths.ts';
import {secretSources} from '../../store/schema.ts';
import {writeDurably} from '../../store/write.ts';
import {movableAt, type SecretMove} from './move.ts';
import {movesWaitMs} from './move-lock.ts';
import {agentsOf, isSamePlace, readPlaces, type SecretPlace} from './places.ts';
import {isRefId} from './refs.ts';

/** What is planned for the secrets of a state folder: which of them leave their files, and for where. */
export type SecretsPlan = readonly SecretMove[];

const refSchema = v.strictObject({
	source: v.picklist(secretSources),
	provider: v.pipe(v.string(), v.minLength(1)),
	id: v.pipe(v.string(), v.minLength(1)),
});

const planSchema = v.strictObject({
	version: v.literal(1),
	secrets: v.array(
		v.strictObject({
			agent: v.string(),
			profile: v.string(),
			to: v.union([v.literal('seal'), refSchema]),
		}),
	),
});

/**
 * Reads a plan.
 * @throws `secrets_plan_invalid`, system errors
 */
export function readPlan(file: string): SecretsPlan {
	const text = readTextIfThere(file);
	if (text === undefined) {
		throw new JarvisError(
			'secrets_plan_invalid',
			`There is no plan ${file}.`,
			'Make one: jarvis secrets configure',
		);
	}
	const result = v.safeParse(planSchema, tryParseJson(text));
	if (!result.success) throw invalidPlan(file, v.getDotPath(result.issues[0]) ?? 'the whole');
	return result.output.secrets.map(({agent, profile, to}, index) => {
		if (!isAgentId(agent) || (to !== 'seal' && !isRefId(to))) throw invalidPlan(file, `secrets.${index}`);
		return {place: {agentId: agent, profileId: profile}, to};
	});
}

/**
 * Adds moves to a plan, each in the place of what was planned for the same secret before. Whether a ref gives the
 * secret is found out when the plan is carried out.
 * @returns the whole plan
 * @throws `secrets_plan_invalid`, `profile_unknown`, `secret_unmovable`, `lock_timeout`, and what reading the stores
 * throws
 */
export async function addToPlan(paths: StatePaths, file: string, moves: SecretsPlan): Promise<SecretsPlan> {
	const places = moves.map(({place}) => place);
	const held = await readPlaces(paths, agentsOf(places));
	for (const place of places) movableAt(held, place);
	return withPlan(paths, lock =>
		lock.commit(() => {
			const present = readTextIfThere(file) === undefined ? [] : readPlan(file);
			const kept = present.filter(({place}) => !moves.some(move => isSamePlace(move.place, place)));
			const plan = [...kept, ...moves];
			writePlan(file, plan);
			return plan;
		}),
	);
}

/**
 * Has the plan of a state folder follow a profile that was given another id. One that is no plan is left to whoever
 * carries it out.
 * @throws `lock_timeout`, `lock_lost`, system errors
 */
export async function renameInPlan(paths: StatePaths, place: SecretPlace, to: string): Promise<void> {
	if (!existsSync(paths.secretsPlan)) return;
	await withPlan(paths, lock =>
		lock.commit(() => {
			const plan = planIfAny(paths.secretsPlan);
			if (!plan.some(move => isSamePlace(move.place, place))) return;
			const renamed = {...place, profileId: to};
			writePlan(
				paths.secretsPlan,
				plan.map(move => (isSamePlace(move.place, place) ? {...move, place: renamed} : move)),
			);
		}),
	);
}

/**
 * Has a plan carried out. Nobody adds to it meanwhile; when `work` has ended well, it is removed.
 * @throws as `readPlan` does, `lock_timeout`, `lock_lost`, and what `work` throws
 */
export async function carryOutPlan<T>(
	paths: StatePaths,
	file: string,
	work: (plan: SecretsPlan) => Promise<T>,
): Promise<T> {
	return withPlan(paths, async lock => {
		const done = await work(readPlan(file));
		await lock.commit(() => rmSync(file, {force: true}));
		return done;
	});
}

function planIfAny(file: string): SecretsPlan {
	try {
		return readPlan(file);
	} catch (error) {
		if (error instanceof JarvisError) return [];
		throw error;
	}
}

function writePlan(file: string, plan: SecretsPlan): void {
	const secrets = plan.map(({place: {agentId, profileId}, to}) => ({
		...{agent: agentId, profile: profileId},
		to,
	}));
	writeDurably(file, `${JSON.stringify({version: 1, secrets}, undefined, 2)}\n`);
}

// It is held while its plan is carried out.
function withPlan<T>(paths: StatePaths, work: (lock: HeldLock) => Promise<T>): Promise<T> {
	return withLock(paths.locks, 'secrets-plan', work, {waitMs: movesWaitMs});
}

function invalidPlan(file: string, place: string): JarvisError {
	return new JarvisError(
		'secrets_plan_invalid',
		`${file} is no plan as \`secrets configure\` writes it (${place}). It is left as it is.`,
		`Mend it (docs/keychain.md), or remove it: rm ${shellWord(file)}`,
	);
}
