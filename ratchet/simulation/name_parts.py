"""Parts of names: what fields and information parts of a page are made of, and the complaints of a form.

Add a part here. `vocabulary.py` puts parts together, and says which words a held-out test may not share with training.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


OWNERS = _words(
    """billing shipping home work second spouse partner company legal alternate primary delivery invoice mailing parent
    guardian emergency previous current new secondary owner contact office account personal employer buyer"""
)
"""Owners before a field name: `billing_city`, `spouse_date_of_birth`."""

ATTRIBUTES = _words(
    """first_name last_name full_name middle_initial maiden_name email email_address phone phone_number mobile fax
    street street_name house_number address_line_1 address_line_2 apartment_number city town county district state
    province zip zip_code postcode postal_code country country_code date_of_birth birth_date birthday age gender title
    salutation suffix nationality id_number passport_number tax_id tax_number ssn registration_number reference
    reference_number account_number routing_number iban bic sort_code card_number card_holder expiry_date expiry_month
    security_code username user_id password password_confirmation pin passcode verification_code signature
    signature_date occupation employer position department start_date end_date hire_date salary income language
    time_zone website url handle notes comment message description reason quantity amount currency percentage"""
)
"""Facts that a form asks of an owner: with one of `OWNERS` they are compound names, `billing_address_line_2`."""

OFFER = _words(
    """pricing price plan feature shipping_cost delivery review rating bundle discount upgrade add_on model edition
    package tier seat_map room_rate ticket tariff coverage benefit interest_rate repayment commission spec
    size color material stock store warranty financing installment trade_in_value bonus loyalty_point competitor
    alternative testimonial case_study photo award certificate menu itinerary syllabus amenity neighborhood
    energy_label performance battery_life compatibility integration storage_quota speed api_limit
    onboarding roi savings exchange_rate fee processing_time availability cashback
    subscription module service product item brand vehicle holiday_flat hotel flight excursion course lesson seminar
    trainer therapist clinic treatment insurance_cover policy_limit saving_account credit_line mortgage_rate fund
    portfolio phone_contract data_volume roaming router hosting_plan domain server backup license seat template theme
    plugin device gadget laptop camera furniture kitchen mattress fabric ingredient recipe wine menu_item dessert
    delivery_zone pickup_point courier packaging gift_wrap sample colorway fit sizing quality sustainability origin
    warranty_extension maintenance inspection_plan charging_station range_estimate engine trim accessory tire
    membership class_schedule coach facility pool court vacancy floor_plan view parking cleaning_service
    consultant agency writer photographer venue band catering speaker exhibitor sponsor_package
    streaming_channel episode playlist magazine ebook audiobook ticket_category cabin berth sailing lounge transfer
    rental_car scooter bike boat camper drone printer monitor keyboard headset speaker_set television refrigerator
    washing_machine oven heat_pump solar_panel battery inverter thermostat smart_home alarm lock door window roof floor
    tile paint curtain sofa bed lamp rug plant bouquet cake pizza coffee tea beer cosmetic perfume shampoo supplement
    vitamin medicine glasses contact_lens hearing_aid implant checkup massage haircut tattoo yoga pilates dance
    language_course degree bootcamp certificate_track exam_prep tutor_rate daycare camp babysitter pet_food grooming
    boarding vet_plan dog_walker moving_van storage_unit packing_service cleaning_crew gardener plumber electrician
    handyman tax_advisor notary lawyer translation logo website_package ad_campaign seo audit coaching webinar
    conference_pass booth merchandise jersey sneaker jacket dress ring watch handbag suitcase stroller car_seat toy
    puzzle
    board_game console controller game_pass skin token coin etf bond pension annuity debit_card charge_card
    overdraft_rate
    wire_transfer remittance payroll_plan invoice_tool crm helpdesk analytics monitoring vpn antivirus cloud_storage
    esim landline fiber satellite_link"""
)
"""Subjects of information about what is offered, which people compare."""

CONDITIONS = _words(
    """terms privacy cancellation refund return contract_length data_use cookie liability eligibility requirement
    consent deposit penalty late_fee auto_renewal dispute security imprint exclusion waiting_period
    age_limit identity_check credit_check health_question retention arbitration minimum_term
    personal_data tracking newsletter_consent background_check income_proof guarantor fair_use usage_limit downtime
    termination lock_in price_increase renewal chargeback complaint inheritance jurisdiction warranty_void medical_exam
    vaccination_rule dress_code house_rule noise pet deposit_return damage overdraft foreclosure garnishment
    cooling_off subletting redistribution resale_ban export_control watermark intellectual_property confidentiality
    non_compete probation warranty_claim_rule no_show late_arrival check_out_time smoking quiet_hours lost_key key_money
    background_data camera_recording location_sharing ad_tracking profiling third_party_sharing deletion_right"""
)
"""Subjects of information about what one agrees to, which people read before they decide."""

ASPECTS = _words(
    """table details comparison comparison_table overview list chart guide faq tab section page info summary calculator
    tooltip toggle gallery carousel accordion examples preview breakdown matrix options estimate highlights finder
    explainer grid widget card panel history ranking video sheet map brochure catalog demo tour infographic matrix_view
    pros_and_cons differences rundown test_report buying_guide configurator swatches popup banner list_view teaser
    spotlight timeline cost_breakdown side_by_side leaderboard scorecard quick_view article faq_list info_box"""
)
"""Forms in which information stands on a page: `plan_comparison_table`."""
CONDITION_ASPECTS = _words(
    """policy conditions notice details info page section link summary faq rules text statement clause disclaimer
    declaration agreement terms document explanation
    fine_print handling obligations consequences guidelines checklist"""
)
"""Forms in which conditions stand on a page: `cancellation_policy`."""
SCOPES = _words(
    """basic standard premium starter family business enterprise annual monthly yearly student express economy
    international domestic weekend early_bird deluxe trial pro gold silver seasonal group"""
)
"""Variants of an offer, which people hold against each other: `premium_plan_details`, `basic_plan_details`."""
CHOICES = _words("type level tier option size method variant class choice preference interval duration range")
"""Fields in which one chooses an offer: `plan_tier`; they are asked, and compared as well."""

PAGE_PARTS = _words(
    """pricing plans features shipping reviews faq warranty plan_comparison price_table shipping_options delivery_times
    interest_rates fee_schedule coverage_details ticket_types room_rates testimonials specifications size_guide
    availability payment_options service_levels discounts bundle_offers monthly_vs_yearly competitor_comparison
    case_studies benefits guarantee customer_ratings plan_selector plan_details price_calculator add_ons currency_switch
    photo_gallery opening_hours installation support_options upgrade_options store_locator data_sheet compare_table
    shipping_costs total_price price_summary installments rates quotes offers deals products catalog tiers packages
    star_ratings delivery_fees price_match side_by_side rental_rates tuition_fees course_syllabus
    bestsellers recommendations similar_items related_products
    recently_viewed what_is_included whats_new promotions seasonal_offers sale_items price_drop price_list menu_prices
    cost_estimate savings_calculator loan_calculator rate_comparison plan_features feature_list feature_matrix
    tech_specs product_details product_photos image_gallery zoom_image video_tour virtual_tour floor_plans room_photos
    guest_reviews expert_reviews user_ratings awards press_mentions success_stories partner_logos integrations
    supported_devices changelog roadmap branch_finder dealer_list stock_status delivery_estimate
    express_shipping international_shipping free_shipping gift_options insurance_options financing_options
    lease_or_buy trade_in_offer loyalty_program membership_benefits student_discount group_rates early_bird_price
    money_back_guarantee price_promise contact_options live_chat help_center how_it_works"""
)
CONDITION_PARTS = _words(
    """terms returns return_policy cancellation_policy privacy_policy refund_policy eligibility contract_length
    trial_info tax_info terms_of_service data_protection small_print cookie_settings legal_notice requirements
    code_of_conduct fine_print disclaimer house_rules data_usage gdpr_info license_agreement waiver_info
    liability_info security_info user_agreement payment_terms delivery_terms membership_rules opt_out_info"""
)
"""Information parts with names of their own, of offers and of conditions."""

REASONS = _words(
    """required too_short too_long invalid_format taken mismatch invalid_date invalid_luhn out_of_range
    unsupported_country expired weak_password missing_special missing_uppercase missing_digit disposable_email
    not_a_number future_date past_date underage invalid_checksum unknown_code already_used blocked_domain
    invalid_postal_code invalid_phone invalid_iban invalid_characters whitespace_only not_found below_minimum
    above_maximum file_too_large invalid_url duplicate_entry unverified limit_reached mandatory_field
    bad_request_format incomplete invalid_email invalid_number invalid_cvc card_declined invalid_code
    passwords_do_not_match must_accept address_not_found out_of_stock_area age_restricted not_allowed
    no_match invalid_value wrong_length session_expired captcha_failed insufficient_funds name_on_list
    reserved_word unsupported_file too_many_attempts"""
)
"""Validation errors of a form, the common ones first."""
COMMON_REASONS = 15
"""Number of common validation errors."""
