"""Sentences that invented proposals are made of, and what they weigh in the rule that labels them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of proposal."""

    name: str
    weight: float
    points: float
    moves_treasury: bool
    calls: float
    """Mean number of contract calls."""
    openings: tuple[str, ...]


KINDS = (
    Kind(
        name="housekeeping",
        weight=0.20,
        points=0.0,
        moves_treasury=True,
        calls=1.0,
        openings=(
            "Renew the compensation of active delegates for the next quarter.",
            "Reimburse delegates for the gas they spent on voting.",
            "Extend the agreement with the forum host for another year.",
            "Publish the quarterly report and archive closed working groups.",
        ),
    ),
    Kind(
        name="grant",
        weight=0.20,
        points=0.4,
        moves_treasury=True,
        calls=1.5,
        openings=(
            "Fund a working group that builds developer tooling.",
            "Award a grant for research on liquidation auctions.",
            "Sponsor a security contest with rewards from the treasury.",
            "Pay a contributor team for integration work.",
        ),
    ),
    Kind(
        name="parameter",
        weight=0.22,
        points=0.4,
        moves_treasury=False,
        calls=2.0,
        openings=(
            "Adjust the borrow rate slope of the stablecoin market.",
            "Raise the supply cap of an existing market.",
            "Lower the liquidation threshold of a volatile asset.",
            "Change the reserve factor according to the risk report.",
        ),
    ),
    Kind(
        name="listing",
        weight=0.12,
        points=0.9,
        moves_treasury=False,
        calls=4.0,
        openings=(
            "List a new collateral asset with an isolated cap.",
            "Onboard a staking derivative as collateral.",
            "Add a price feed and open a market for a new token.",
        ),
    ),
    Kind(
        name="upgrade",
        weight=0.14,
        points=1.3,
        moves_treasury=False,
        calls=5.0,
        openings=(
            "Upgrade the implementation behind the lending pool proxy.",
            "Deploy a new version of the oracle adapter and switch over.",
            "Migrate the governor to a new implementation contract.",
        ),
    ),
    Kind(
        name="ownership",
        weight=0.07,
        points=1.8,
        moves_treasury=False,
        calls=2.0,
        openings=(
            "Transfer ownership of the treasury contract.",
            "Grant the admin role to a new operator address.",
            "Replace the signers of the guardian multisig.",
        ),
    ),
    Kind(
        name="emergency",
        weight=0.05,
        points=1.5,
        moves_treasury=True,
        calls=3.0,
        openings=(
            "Pause the affected market and cover the shortfall.",
            "Recover funds after the incident and compensate depositors.",
        ),
    ),
)


@dataclass(frozen=True)
class Remark:
    """A statement that a text may hold: what it says weighs in the rule, how it says it does not."""

    chance: float
    points: float
    phrases: tuple[str, ...]


REMARKS = (
    Remark(
        chance=0.30,
        points=-0.7,
        phrases=(
            "The code was audited by two independent firms.",
            "An audit report without open findings is attached.",
            "Auditors reviewed every changed line.",
        ),
    ),
    Remark(
        chance=0.20,
        points=1.1,
        phrases=(
            "The contracts have not been audited yet.",
            "No audit is planned because of time pressure.",
            "The source is unverified at the moment.",
        ),
    ),
    Remark(
        chance=0.22,
        points=-0.5,
        phrases=(
            "Payments are streamed monthly and can be cancelled.",
            "Funds vest linearly against milestones.",
            "A committee releases each tranche after delivery.",
        ),
    ),
    Remark(
        chance=0.18,
        points=0.8,
        phrases=(
            "The full amount is paid upfront as a lump sum.",
            "Everything is transferred at once in advance.",
            "The recipient is a single externally owned address.",
        ),
    ),
    Remark(
        chance=0.10,
        points=1.0,
        phrases=(
            "It removes the borrowing cap entirely.",
            "It grants unlimited token approval to the spender.",
            "Minting rights are given without a ceiling.",
        ),
    ),
    Remark(
        chance=0.08,
        points=1.4,
        phrases=(
            "Execution bypasses the timelock.",
            "The delay is set to zero for this transaction.",
            "The guardian loses the power to cancel.",
        ),
    ),
    Remark(
        chance=0.35,
        points=-0.4,
        phrases=(
            "A temperature check on the forum found broad support.",
            "The discussion ran for three weeks without objection.",
            "Risk contributors endorsed the change.",
        ),
    ),
    Remark(
        chance=0.15,
        points=0.5,
        phrases=(
            "We ask for an urgent vote before the weekend.",
            "There was no time for a forum discussion.",
            "Voters should act immediately.",
        ),
    ),
)

FILLERS = (
    "The specification follows below.",
    "Thanks to everyone who commented on the draft.",
    "This continues earlier work.",
    "Details are in the linked thread.",
    "The proposal takes effect after the vote.",
    "We welcome questions from delegates.",
    "Numbers refer to the last 90 days.",
    "The budget was discussed in call 42.",
)
