import {claimsOf} from '../auth/claims.ts';
import {oauthClientOf, type Provider} from '../auth/providers/contract.ts';
import {readAuditLog} from '../store/audit-reader.ts';
import {member} from '../store/json.ts';
import {readAllJournals} from '../store/read-journal.ts';
import {clockTime, span} from '../words.ts';
import {type Finding, finding} from './findings.ts';
import {nameOf, oauthProfiles, type Subject} from './subject.ts';

/** By less than this (ms) clocks may differ. */
const toleranceMs = 60_000;

/** How long (ms) a server may take to tell the time. */
const timeoutMs = 5000;

interface Stamp {
	readonly where: string;
	readonly at: number;
}

/** Times in the state folder that have not come yet: the latest of them is told. */
export function checkTimes(subject: Subject): Finding[] {
	const {paths, now, agents, machine} = subject;
	const usage = [...agents].flatMap(([agentId, {usageStats}]) =>
		[...usageStats].flatMap(([profileId, {lastUsed, lastFailureAt, lastProven, needsLogin}]) =>
			[lastUsed, lastFailureAt, lastProven?.at, needsLogin?.since].flatMap(at =>
				at === undefined ? [] : [{at, where: `the usage of ${nameOf({agentId, profileId})}`}],
			),
		),
	);
	const tokens = oauthProfiles(subject).flatMap(profile => {
		const issued = member(claimsOf(profile.credential.access), 'iat');
		return typeof issued === 'number' ? [{at: issued * 1000, where: `the token of ${nameOf(profile)}`}] : [];
	});
	const journal = readAllJournals(paths).map(({startedAt}) => ({at: startedAt, where: paths.journal}));
	const log = readAuditLog(paths, {}, 1).map(({at}) => ({at, where: paths.auditLog}));
	const latest = [...usage, ...tokens, ...journal, ...log].reduce<Stamp | undefined>(
		(last, stamp) => (last && last.at >= stamp.at ? last : stamp),
		undefined,
	);
	if (!latest || latest.at <= now() + toleranceMs) return [];
	return [
		finding('clock_behind', {
			where: latest.where,
			what: `It is of ${clockTime(latest.at)}, in ${span(latest.at - now())} by this machine’s clock.`,
			next: clockAdvice(machine),
		}),
	];
}

/** How far this machine's clock is from those of the providers in use (RFC 9110, section 6.6.1). */
export async function checkServers({
	agents,
	providers,
	network,
	now,
	online,
	machine,
}: Subject): Promise<Finding[]> {
	if (!online) return [];
	const used = new Set(
		[...agents.values()].flatMap(({profiles}) => [...profiles.values()].map(({provider}) => provider)),
	);
	const asked = [...providers.values()].filter(({id}) => used.has(id));
	const found = await Promise.all(
		asked.map(async provider => {
			const url = urlOf(provider);
			const date = url && (await dateOf(url, network.fetch));
			if (!date || Math.abs(date - now()) <= toleranceMs) return [];
			const by = span(Math.abs(date - now()));
			return [
				finding('clock_off', {
					where: new URL(url).host,
					what: `This machine’s clock is ${by} ${date > now() ? 'behind' : 'ahead of'} the one of ${provider.label}.`,
					next: clockAdvice(machine),
				}),
			];
		}),
	);
	return found.flat();
}

function clockAdvice({platform}: Subject['machine']): string {
	return platform === 'linux' ? 'timedatectl status' : 'Have the system set its clock by the network.';
}

function urlOf(provider: Provider): string | undefined {
	const client = oauthClientOf(provider);
	const {url} = provider.probes?.[0] ?? {};
	return client?.tokenEndpoint ?? client?.issuer ?? url;
}

// A server that is not reached tells nothing of the clock. Nothing but its place is asked for, and no secret sent.
async function dateOf(url: string, fetch_: typeof fetch): Promise<number | undefined> {
	try {
		const {origin} = new URL(url);
		const reply = await fetch_(origin, {
			method: 'HEAD',
			redirect: 'manual',
			signal: AbortSignal.timeout(timeoutMs),
		});
		const date = Date.parse(reply.headers.get('date') ?? '');
		return Number.isNaN(date) ? undefined : date;
	} catch {
		return undefined;
	}
}
