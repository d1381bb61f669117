"""What can be done about providers.

organisations   who is paid
admission       the way onto the List
listing         on the List and off it
documents       papers renewed and watched
teachers        who teaches, as the provider publishes it
groups          groups of a site
imports         what an earlier act listed, taken over from a file
reading         what each role sees
"""

from __future__ import annotations

from chalicelib.providers.actions.admission import (
    SiteAsked,
    answer_objection,
    check_site,
    decide_site,
    lapse_correction,
    object_to_refusal,
    put_site,
    submit_site,
)
from chalicelib.providers.actions.documents import renew_document, watch_documents
from chalicelib.providers.actions.groups import put_group, renew_capacity
from chalicelib.providers.actions.imports import ListingOver, SiteImported, Source, import_site
from chalicelib.providers.actions.listing import (
    expire,
    list_site,
    reinstate_site,
    remove_site,
    suspend_site,
)
from chalicelib.providers.actions.organisations import (
    AccountSeen,
    OrganisationAsked,
    OrganisationSeen,
    Payee,
    confirm_account,
    list_accounts,
    payee_of,
    register_organisation,
    see_organisation,
)
from chalicelib.providers.actions.reading import (
    AreaNeeded,
    UnknownChoice,
    admitted_by,
    catalogue,
    figures,
    group_of,
    groups_of_site,
    list_sites,
    own_site,
    see_site,
    served_site,
)
from chalicelib.providers.actions.teachers import MOST_TEACHERS, Teacher, put_teachers

__all__ = [
    "AccountSeen",
    "list_accounts",
    "admitted_by",
    "MOST_TEACHERS",
    "AreaNeeded",
    "ListingOver",
    "OrganisationAsked",
    "OrganisationSeen",
    "Payee",
    "SiteAsked",
    "SiteImported",
    "Source",
    "Teacher",
    "UnknownChoice",
    "answer_objection",
    "catalogue",
    "check_site",
    "confirm_account",
    "decide_site",
    "expire",
    "figures",
    "group_of",
    "groups_of_site",
    "import_site",
    "lapse_correction",
    "list_site",
    "list_sites",
    "object_to_refusal",
    "own_site",
    "payee_of",
    "put_group",
    "put_site",
    "put_teachers",
    "register_organisation",
    "reinstate_site",
    "remove_site",
    "renew_capacity",
    "renew_document",
    "see_organisation",
    "see_site",
    "served_site",
    "submit_site",
    "suspend_site",
    "watch_documents",
]
