import {type FailureReason, failureReasons} from '../auth/routing/rotation.ts';
import {JarvisError} from '../errors.ts';
import {type CommandContext, durationFlag, printJson, textFlag} from './command.ts';

/** `models auth cooldown clear`: has a profile used again that was set aside after failures. */
export async function runCooldownClear(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const [profileId = ''] = context.arguments;
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const {cleared, heldBy} = await jarvis.clearCooldown({agentId, profileId});
	if (context.flags.json) {
		printJson(context, {agentId, profileId, cleared, heldBy});
		return 0;
	}
	context.tell(cleared ? `${profileId} is used again.` : `${profileId} had no failures to forget.`);
	if (heldBy !== undefined) {
		context.tell(
			`The agent ${heldBy}, whose profile it is, has set it aside: add --agent ${heldBy} to clear that.`,
		);
	}
	return 0;
}

/** `models auth report`: tells how a profile did in use, for scripts. */
export async function runReport(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const [profileId = '', outcome = ''] = context.arguments;
	const agentId = await jarvis.agent(textFlag(context, 'agent'));
	const now = jarvis.now();
	const tookMs = durationFlag(context, 'took');
	const begun = tookMs === undefined ? {} : {startedAt: now - tookMs};
	assertFits(context, outcome);
	if (outcome === 'ok') await jarvis.reportSuccess({agentId, profileId}, {at: now, ...begun});
	else {
		const resetMs = durationFlag(context, 'retry-after');
		await jarvis.reportFailure(
			{agentId, profileId},
			{
				reason: reasonOf(outcome),
				at: now,
				...begun,
				...(resetMs === undefined ? {} : {resetAt: now + resetMs}),
				...(context.flags.permanent ? {permanent: true} : {}),
			},
		);
	}
	if (context.flags.json) printJson(context, {agentId, profileId, outcome});
	return 0;
}

function assertFits({flags}: CommandContext, outcome: string): void {
	const isOff =
		(flags.permanent && outcome !== 'auth' && '--permanent is for auth only.') ||
		(flags['retry-after'] !== undefined && outcome === 'ok' && '--retry-after is for failures only.');
	if (isOff) throw new JarvisError('usage', isOff, 'Leave it out.');
}

function reasonOf(outcome: string): FailureReason {
	const reason = failureReasons.find(known => known === outcome);
	if (reason) return reason;
	throw new JarvisError(
		'usage',
		`${JSON.stringify(outcome)} is no outcome.`,
		`Use one of: ok, ${failureReasons.join(', ')}.`,
	);
}
