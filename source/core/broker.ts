import type {BrokerStatus} from '../broker/contract.ts';
import type {Broker, BrokerOptions} from '../broker/server.ts';
import type {Jarvis} from '../core.ts';
import type {World} from './world.ts';

/**
 * The broker of a state folder.
 * @param open opens the state folder once more, for the broker alone
 */
export function brokerOf({paths}: World, open: () => Jarvis) {
	return {
		/** Serves the state folder on a Unix socket until it is stopped. Throws as `startBroker` does. */
		async startBroker(brokerOptions: BrokerOptions = {}): Promise<Broker> {
			const {startBroker} = await import('../broker/server.ts');
			return startBroker(open(), brokerOptions);
		},

		/** Whether a broker answers, and what it says of itself. Throws as `brokerStatus` does. */
		async brokerStatus(socket?: string): Promise<BrokerStatus> {
			const {brokerStatus} = await import('../broker/client.ts');
			return brokerStatus(paths, socket);
		},

		/** Has the broker end. Throws as `stopBroker` does. */
		async stopBroker(socket?: string): Promise<{readonly pid: number}> {
			const {stopBroker} = await import('../broker/client.ts');
			return stopBroker(paths, socket);
		},
	};
}
